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
                views = [{"post_id": 4711}, {"post_id": "blog:4712"}]
                answer = await trio.to_thread.run_sync(lambda: client.post("/api/view", json=views))
            assert answer.json()["accepted"] == 2
            for name in ("post 4711", "blog:4712"):
                await page.until(f"document.body.innerText.includes('{name}')")
            assert {url.split("/")[2] for _, url in page.requests if url.startswith("http")} == {vts.http.split("/")[2]}
            assert not page.complaints
