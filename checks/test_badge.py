"""widget.js on a page of another origin in a real browser: the count in a badge, the view of it, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.chromium import Page, chromium
from tests.support.line import line_to
from tests.support.pages import RESOLVE, pages
from tests.support.process import Vts, running
from tests.support.waiting import until

BATCH = 500
TEXTS = "[...document.querySelectorAll('vts-views')].map(one => one.shadowRoot.textContent)"
STRICT = "default-src 'none'; script-src {0}; connect-src {0}; img-src data:; base-uri 'none'"


@pytest.fixture(scope="module")
def vts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vts]:
    """A VTS that the stories share; each has contents of its own."""
    with running(tmp_path_factory.mktemp("vts")) as one:
        yield one


@pytest.fixture(scope="module")
def service(vts: Vts) -> Iterator[httpx.Client]:
    with vts.client(vts.service_token()) as client:
        yield client


def badges(base: str, *ids: str, more: str = "") -> str:
    elements = "".join(f'<p><vts-views post-id="{each}" {more}></vts-views>' for each in ids)
    return f'<main><h1>Badges</h1>{elements}</main><script defer src="{base}/widget.js"></script>'


def viewed(service: httpx.Client, post: str, times: int) -> None:
    for first in range(0, times, BATCH):
        batch = [{"post_id": post}] * min(BATCH, times - first)
        service.post("/api/view", json=batch).raise_for_status()


def private(service: httpx.Client, post: str) -> None:
    service.post("/api/content", json={"post_id": post, "visibility": "private"}).raise_for_status()


def refs(page: Page) -> list[list[str]]:
    """The contents that each request for counts asked about."""
    asked = [urlsplit(url) for _, url in page.requests if "/api/counts?" in url]
    return [parse_qs(one.query)["ref"] for one in asked]


async def test_badges_of_a_strict_page_show_counts_in_one_request(vts: Vts, service: httpx.Client) -> None:
    private(service, "blog:secret")
    viewed(service, "blog:many", 1234)
    viewed(service, "blog:one", 1)
    policy = {"Content-Security-Policy": STRICT.format(vts.http), "Cross-Origin-Embedder-Policy": "require-corp"}
    html = badges(vts.http, "blog:many", "blog:one", "blog:secret", "blog:many", more="label=seen uncounted")
    async with pages(html, headers=policy) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address)
        await page.until(f"{TEXTS}[0]")
        assert await page.run(f"return {TEXTS};") == ["1,234 seen", "1 seen", "", "1,234 seen"]
        assert refs(page) == [["blog:many", "blog:one", "blog:secret"]]
        assert (await page.stored())["cookies"] == []
        assert page.complaints == []


async def test_a_badge_counts_a_view_of_its_own_kind(vts: Vts, service: httpx.Client) -> None:
    async with pages(badges(vts.http, "blog:badge")) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address)

        def counted() -> bool:
            answer = service.get("/api/post/blog:badge/stats")
            return answer.is_success and answer.json()["views_by_source"] == {"widget": 1}

        await until(counted, pause_s=0.05)
        stats = stats_of(service, "blog:badge")
        assert (stats["total_views"], stats["views_by_type"]) == (1, {"widget": 1})
        assert page.hosts == {vts.http.split("/")[2], address.split("/")[2]}
        assert page.complaints == []


def stats_of(service: httpx.Client, post: str) -> dict[str, object]:
    return dict(service.get(f"/api/post/{post}/stats").json())


async def test_one_id_that_cannot_be_read_does_not_hide_the_others(vts: Vts, service: httpx.Client) -> None:
    viewed(service, "blog:good", 5)
    html = badges(vts.http, "not a content", "blog:good", more="uncounted")
    async with pages(html) as address, chromium(RESOLVE) as browser:
        page = await (await browser.page()).goto(address)
        await page.until(f"{TEXTS}[1] === '5 views'")
        assert refs(page) == [["not a content", "blog:good"], ["not a content"], ["blog:good"]]


async def test_what_is_shown_stays_while_there_is_no_connection(vts: Vts, service: httpx.Client) -> None:
    """The script asks again when a content of the page changes; the interval of a minute is a unit test."""
    viewed(service, "blog:stays", 3)
    viewed(service, "blog:later", 4)
    async with (
        line_to(vts.port) as line,
        pages(badges(line.http, "blog:stays", "blog:other", more="uncounted")) as address,
        chromium(RESOLVE) as browser,
    ):
        page = await (await browser.page()).goto(address)
        await page.until(f"{TEXTS}[0] === '3 views'")
        line.cut()
        change = "document.querySelectorAll('vts-views')[1].setAttribute('post-id', 'blog:later');"
        await page.run(change)
        await until(lambda: len(refs(page)) == 2, pause_s=0.02)
        assert await page.run(f"return {TEXTS};") == ["3 views", ""]
        line.mend()
        await page.run(change.replace("blog:later", "blog:other") + change)
        await page.until(f"{TEXTS}[1] === '4 views'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_badge_is_readable_in_light_and_dark(
    vts: Vts, service: httpx.Client, folder: Path, scheme: str
) -> None:
    viewed(service, "blog:seen", 7)
    dress = "<style>html { color-scheme: light dark }</style>"
    html = dress + badges(vts.http, "blog:seen", more="uncounted")
    async with pages(html) as address, chromium(RESOLVE) as browser:
        page = await browser.page()
        await page.window(375, 667, scheme=scheme)
        await page.goto(address)
        await page.until(f"{TEXTS}[0]")
        assert await page.axe() == []
        ground = (
            "getComputedStyle(document.querySelector('vts-views').shadowRoot.querySelector('span')).backgroundColor"
        )
        assert await page.run(f"return {ground};") == {"light": "rgb(242, 244, 248)", "dark": "rgb(29, 36, 48)"}[scheme]
        await page.screenshot(folder / "badge.png", width=375, height=667, scheme=scheme)
        assert (folder / "badge.png").stat().st_size > 1000
