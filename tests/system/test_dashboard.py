"""The dashboard in a real browser: who is signed in sees what is theirs, and numbers move when a view is committed."""

from __future__ import annotations

import trio

from tests.support.chromium import chromium
from tests.support.dashboard import SITE_PAGES, metric, shows, signed_in
from tests.support.process import Vts


async def test_numbers_move_when_a_view_is_committed(shared_vts: Vts) -> None:
    vts = shared_vts
    async with chromium() as browser:
        page = await signed_in(await browser.page(), vts, vts.token(1, "moderator"))
        with vts.client() as client:

            async def view(post_id: str) -> None:
                answer = await trio.to_thread.run_sync(lambda: client.post("/api/view", json={"post_id": post_id}))
                assert answer.json()["accepted"] == 1

            await view("artwork:board")
            await shows(page, f"{vts.http}/content/artwork:board", "artwork:board")
            all_time = metric("of all time")
            await page.until(f"{all_time}.innerText === '1'")
            await view("artwork:board")
            await page.until(f"{all_time}.innerText === '2'")
            await page.until("document.querySelector('.metric b').innerText === '2'")  # what the question is answered
        assert await page.run("return document.querySelector('.line').innerText") == "Live"
        for path in SITE_PAGES:
            await page.goto(vts.http + path)
            await page.until("document.querySelector('h1') && !document.querySelector('main .failed')")
        assert {url.split("/")[2] for _, url in page.requests if url.startswith("http")} == {vts.http.split("/")[2]}
        assert not page.complaints


async def test_an_artist_sees_the_own_page_and_no_other(shared_vts: Vts) -> None:
    vts = shared_vts
    with vts.client(vts.service_token()) as client:
        row = {"post_id": "artwork:mine", "owner_id": "Ada", "title": "<img src=x onerror=alert(1)>"}
        answer = await trio.to_thread.run_sync(lambda: client.post("/api/content", json=row))
        assert answer.status_code == 200, answer.text
    async with chromium() as browser:
        page = await signed_in(await browser.page(), vts, vts.token("Ada"))
        await shows(page, f"{vts.http}/", "Artist Ada")
        await page.until("document.body.innerText.includes('<img src=x onerror=alert(1)>')")  # text, and nothing else
        assert await page.run("return document.querySelectorAll('img').length") == 0
        await shows(page, f"{vts.http}/artist/Bob", "This is not yours to see")
        await shows(page, f"{vts.http}/not-counted", "This is not yours to see")
        out = await browser.page()
        await shows(out, f"{vts.http}/artist/Ada", "You are signed out")
