"""The first page in a real browser: what it shows moves when a view is counted, and it asks no other host."""

from __future__ import annotations

import trio

from tests.support.chromium import chromium
from tests.support.process import running


async def test_the_first_page_shows_a_view_that_comes_in(folder):
    with running(folder) as vts:
        async with chromium() as browser:
            page = await (await browser.page()).goto(vts.http)
            with vts.client() as client:
                answer = await trio.to_thread.run_sync(lambda: client.post("/api/view", json={"post_id": 4711}))
            assert answer.status_code == 202
            await page.until("document.body.innerText.includes('4711')")
            assert {url.split("/")[2] for _, url in page.requests if url.startswith("http")} == {vts.http.split("/")[2]}
            assert not page.complaints
