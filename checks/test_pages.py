"""Our own pages in a real browser: no error, no other host, usable by everyone, on a telephone, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trio

from tests.support.chromium import Page, chromium
from tests.support.line import line_to
from tests.support.process import Vts, running

DRAWN = {
    "/": "document.querySelector('#top td.n') && document.getElementById('state').textContent === 'live'",
    "/docs": "document.querySelectorAll('.operation').length > 30",
}
WIDER = "return document.documentElement.scrollWidth > innerWidth;"


@pytest.fixture(scope="module")
def vts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vts]:
    with running(tmp_path_factory.mktemp("vts")) as one:
        with one.client() as client:
            assert client.post("/api/view", json=[{"post_id": "blog:1030"}, {"post_id": 7}]).is_success
        yield one


async def shown(page: Page, vts: Vts, path: str) -> None:
    await page.goto(vts.http + path)
    await page.until(DRAWN[path])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", DRAWN)
async def test_a_page_is_sound(vts: Vts, path: str, scheme: str) -> None:
    async with chromium() as browser:
        page = await browser.page()
        await page.window(375, 812, scheme=scheme)
        await shown(page, vts, path)
        assert await page.axe() == []
        assert not await page.run(WIDER)
        assert page.hosts == {vts.http.split("/")[2]}
        assert page.complaints == []


async def test_the_first_page_says_when_the_line_is_silent_and_comes_back(vts: Vts) -> None:
    async with line_to(vts.port) as line, chromium() as browser:
        page = await (await browser.page()).goto(line.http + "/")
        await page.until(DRAWN["/"])
        line.cut()
        await page.until("document.getElementById('state').textContent === 'reconnecting'")
        line.mend()
        with vts.client() as client:
            await trio.to_thread.run_sync(lambda: client.post("/api/view", json={"post_id": "blog:after"}))
        await page.until("document.getElementById('top').innerText.includes('blog:after')")
