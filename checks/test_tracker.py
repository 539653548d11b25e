"""vts.js on pages of another origin in a real browser: what it counts, what it stores, and what it leaves alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from tests.support.chromium import Browser, Page, chromium
from tests.support.line import line_to
from tests.support.pages import RESOLVE, pages
from tests.support.process import Vts, running
from tests.support.waiting import until

AT_A_TIME = 10
PAUSE_S = 0.05
EMPTY = {"intentional": 0, "listing": 0, "search": 0, "widget": 0}
EVENTS = re.compile(r'vts_events_total{outcome="(\w+)"')


def script(base: str, more: str = "") -> str:
    return f'<script defer src="{base}/vts.js" {more}></script>'


def known(service: httpx.Client, ids: Sequence[int | str]) -> None:
    """Register contents: of unknown ones only 60 a minute may come from one address."""
    service.post("/api/content", json=[{"post_id": each} for each in ids]).raise_for_status()


async def views(service: httpx.Client, post: int | str, **types: int) -> None:
    """Wait until a content has exactly these views by type."""

    def found() -> bool:
        return dict(service.get(f"/api/post/{post}/count").json().get("views_by_type") or {}) == EMPTY | types

    await until(found, pause_s=PAUSE_S)


def outcomes(service: httpx.Client) -> dict[str, float]:
    """How many events had which outcome, where there were any."""
    lines = service.get("/metrics").text.splitlines()
    found: Counter[str] = Counter()
    for line in lines:
        if (name := EVENTS.match(line)) is not None:
            found[name[1]] += float(line.rpartition(" ")[2])
    return {name: many for name, many in found.items() if many}


@pytest.fixture(scope="module")
def vts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vts]:
    """A VTS that the stories share; each has contents and paths of its own."""
    with running(tmp_path_factory.mktemp("vts")) as one:
        yield one


@pytest.fixture(scope="module")
def service(vts: Vts) -> Iterator[httpx.Client]:
    with vts.client(vts.service_token()) as client:
        yield client


def is_known(service: httpx.Client, post: int | str) -> bool:
    return service.get(f"/api/post/{post}/count").is_success


def stats(service: httpx.Client, post: int | str) -> dict[str, Any]:
    return dict(service.get(f"/api/post/{post}/stats").json())


async def page_views(service: httpx.Client, story: str, wanted: dict[str, int]) -> None:
    """Wait until of the paths below that of a story exactly these have these page views."""

    def counted() -> bool:
        found: dict[str, int] = service.get("/api/admin/sitewide-stats?limit=100").json()["top_pages"]
        return {path: views for path, views in found.items() if path.startswith(story)} == {
            story + path: views for path, views in wanted.items()
        }

    await until(counted, pause_s=PAUSE_S)


async def test_50_of_50_views_are_accepted_and_count_once(folder: Path) -> None:
    with running(folder) as vts, vts.client(vts.service_token()) as service:
        known(service, ["blog:1030"])
        html = script(vts.http, 'data-post-id="blog:1030"')
        async with pages(html) as address, chromium(RESOLVE) as browser:
            for _ in range(50 // AT_A_TIME):
                async with trio.open_nursery() as nursery:
                    for _ in range(AT_A_TIME):
                        nursery.start_soon(looks_and_leaves, browser, address)
            await views(service, "blog:1030", intentional=50)
            await page_views(service, "/", {"": 50})
            assert outcomes(service) == {"accepted": 100}


async def looks_and_leaves(browser: Browser, address: str) -> None:
    """A visitor who stays until the view was sent, as its request says."""
    page = await (await browser.page()).goto(address)
    await until(lambda: sent(page, "/api/view"), pause_s=PAUSE_S)
    await page.close()
    assert page.complaints == []


def sent(page: Page, path: str) -> int:
    return sum(url.endswith(path) for method, url in page.requests if method == "POST")


async def test_ten_navigations_of_a_single_page_app_are_ten_page_views(vts: Vts, service: httpx.Client) -> None:
    walk = """
        for (const name of 'abcde') history.pushState({}, '', '/app/pushed/' + name);
        for (const name of 'ab') history.replaceState({}, '', '/app/replaced/' + name);
        history.replaceState({scroll: 7}, '');  // a router that keeps something in the state: no navigation
        for (const n of [1, 2, 3]) {
            const gone = new Promise(then => addEventListener('popstate', then, {once: true}));
            history.back();
            await gone;
        }
    """
    async with pages(script(vts.http)) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address + "app")
        await page.run(walk)
        pushed = {f"/pushed/{name}": 1 for name in "ae"} | {f"/pushed/{name}": 2 for name in "bcd"}
        await page_views(service, "/app", {"": 1, "/replaced/a": 1, "/replaced/b": 1} | pushed)
        assert page.complaints == []


async def test_a_gallery_of_200_impressions_loses_none(folder: Path) -> None:
    """Half of the elements come later; one is never more than half in the window."""
    tile = "<div data-vts-post={0} style='height:60px;width:180px;float:left'></div>"
    shy = "<div data-vts-post=999 style='position:fixed;left:-70px;width:100px;height:40px;top:0'></div>"
    add = f"""
        for (let n = 101; n <= 200; n++) document.body.insertAdjacentHTML('beforeend', `{tile.format("${n}")}`);
    """
    through = """
        const all = [...document.querySelectorAll('[data-vts-post]')].filter(one => one.dataset.vtsPost !== '999');
        for (const one of all) {
            one.scrollIntoView();
            while (!one.vtsPost) await new Promise(then => setTimeout(then, 50));
        }
        return all.length;
    """
    with running(folder) as vts, vts.client(vts.service_token()) as service:
        known(service, [*range(1, 201), 999])
        first = "".join(tile.format(n) for n in range(1, 101))
        async with pages(script(vts.http) + shy + first) as address, chromium(RESOLVE) as browser:
            page = await (await browser.page()).goto(address)
            await page.run(add)
            assert await page.run(through) == 200
            await page.run("vts(999);")  # sent behind the impressions
            await page.close()
            for post in range(1, 201):
                await views(service, post, listing=1)
            await views(service, 999, intentional=1)
            assert outcomes(service) == {"accepted": 202}
            assert page.complaints == []


async def test_100_events_made_offline_count_once_after_the_browser_was_closed(folder: Path) -> None:
    make = """
        for (let n = 1; n <= 100; n++) { vts(n); if (n === 50) await new Promise(then => setTimeout(then, 1500)); }
        while (Object.keys(localStorage).length < 2) await new Promise(then => setTimeout(then, 50));
    """
    profile = folder / "profile"
    with running(folder) as vts, vts.client(vts.service_token()) as service:
        known(service, range(1, 101))
        async with line_to(vts.port) as line, pages(script(line.http, "data-offline")) as address:
            async with chromium(RESOLVE, keep=profile) as browser:
                page = await (await browser.page(keeps=True)).goto(address)
                await page_views(service, "/", {"": 1})
                await page.until("!Object.keys(localStorage).length")  # it was answered
                line.cut()
                await page.run(make)
                await browser.close()
            assert outcomes(service) == {"accepted": 1}
            line.mend()
            async with chromium(RESOLVE, keep=profile) as browser:
                page = await (await browser.page(keeps=True)).goto(address)
                for post in range(1, 101):
                    await views(service, post, intentional=1)
                await page.until("!Object.keys(localStorage).length")
                again = await (await browser.page(keeps=True)).goto(address)  # nothing is left that could be sent again
                await page_views(service, "/", {"": 3})
                assert outcomes(service) == {"accepted": 103}
                assert await again.run("return Object.keys(localStorage);") == []
                assert page.complaints == again.complaints == []


async def test_nothing_is_stored_without_the_attribute(vts: Vts, service: httpx.Client) -> None:
    html = script(vts.http, 'data-post-id="7"') + "<p data-vts-post=8>x</p>"
    async with pages(html) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address)
        await views(service, 7, intentional=1)
        await views(service, 8, listing=1)
        assert await page.stored() == {"cookies": [], "local": {}, "session": {}, "databases": 0}
        assert page.hosts == {vts.http.split("/")[2], address.split("/")[2]}
        assert page.complaints == []


async def test_a_visitor_says_not_to_be_counted_and_takes_it_back(vts: Vts, service: httpx.Client) -> None:
    html = "<a id=no href='#vts-ignore'>Do not count this device</a> <a id=yes href='#vts-count'>Count it</a>"
    async with pages(script(vts.http) + html) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address + "wish")
        await page_views(service, "/wish", {"": 1})
        await page.run("document.getElementById('no').click();")
        await page.until("localStorage.vts === '#vts-ignore'")
        await page.run("vts(15); history.pushState({}, '', '/wish/ignored');")
        await page.goto(address + "wish/ignored-too")
        await page.run("document.getElementById('yes').click();")
        await page.until("localStorage.vts === '#vts-count'")
        await page.run("history.pushState({}, '', '/wish/counted'); vts(16);")
        await views(service, 16, intentional=1)
        await page_views(service, "/wish", {"": 1, "/counted": 1})
        assert not is_known(service, 15)


@pytest.mark.parametrize("signal", ["globalPrivacyControl: true", "doNotTrack: '1'"])
async def test_signals_of_the_browser_are_respected_where_the_page_says_so(
    vts: Vts, service: httpx.Client, signal: str
) -> None:
    name, _, value = signal.partition(": ")
    sets = f"Object.defineProperty(navigator, '{name}', {{value: {value}}});"
    respected, counted = f"blog:respects-{name}", f"blog:counts-{name}"
    html = {
        f"/{name}/respects": script(vts.http, f'data-respect data-post-id="{respected}"'),
        f"/{name}/counts": script(vts.http, f'data-post-id="{counted}"'),
    }
    async with pages(html) as address, chromium(RESOLVE) as browser:
        page = await browser.page()
        await page.before_scripts(sets)
        await page.goto(f"{address}{name}/respects")
        await page.run(f"vts('{respected}');")
        await page.goto(f"{address}{name}/counts")
        await views(service, counted, intentional=1)
        unset = await (await browser.page()).goto(f"{address}{name}/respects")
        await page_views(service, f"/{name}", {"/respects": 1, "/counts": 1})
        assert not is_known(service, respected)
        assert page.complaints == unset.complaints == []


STRICT = "default-src 'none'; script-src 'nonce-r4nd0m'; connect-src {0}; img-src data:; base-uri 'none'"


async def test_a_strict_page_allows_one_script_and_one_address(vts: Vts, service: httpx.Client) -> None:
    html = script(vts.http, 'nonce="r4nd0m" data-post-id="blog:strict" data-offline')
    policy = {"Content-Security-Policy": STRICT.format(vts.http)}
    async with pages(html, headers=policy) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address + "strict")
        await views(service, "blog:strict", intentional=1)
        await page_views(service, "/strict", {"": 1})
        assert page.complaints == []


async def test_own_views_wait_for_the_script_and_may_go_to_another_address(vts: Vts, service: httpx.Client) -> None:
    """`vts(…)` before the script is there, fields of a view, and `data-api`."""
    early = """<script>window.vts ??= (...call) => (vts.q ??= []).push(call);
        vts('blog:own', {view_type: 'search', channel: 'hashtag', channel_context: 'cats'}); vts('/own/step-2');
    </script>"""
    async with line_to(vts.port) as line:
        html = early + script(line.http, f'data-api="{vts.http}/"')
        async with pages(html) as address, chromium(RESOLVE) as browser:
            page = await (await browser.page()).goto(address + "own")
            await views(service, "blog:own", search=1)
            await page_views(service, "/own", {"": 1, "/step-2": 1})
            posts = {url for method, url in page.requests if method == "POST"}
            assert posts == {f"{vts.http}/api/view", f"{vts.http}/api/track/page-view"}
            assert stats(service, "blog:own")["views_by_channel"] == {"hashtag": 1}
            assert page.complaints == []


async def test_a_page_that_comes_back_is_counted_anew(vts: Vts, service: httpx.Client) -> None:
    """From the browser's back-forward cache, where the script was never ended."""
    html = {"/back/a": script(vts.http, "data-post-id=blog:back")}
    async with pages(html) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address + "back/a")
        await views(service, "blog:back", intentional=1)
        await page.goto(address + "back/b")
        await page.run("setTimeout(() => history.back());")
        await views(service, "blog:back", intentional=2)
        await page_views(service, "/back", {"/a": 2})
        assert page.complaints == []
