"""Signing in and sharing in a real browser: a link with one button, a session, a page for people without an account."""

from __future__ import annotations

from typing import Any, Final

import trio

from tests.support.chromium import chromium
from tests.support.process import running

SHARE: Final = """
const answer = await fetch('/api/share-links', {method: 'POST', body: JSON.stringify({post_id: 4711})});
return (await answer.json()).url
"""
VIEWS: Final = (
    "[...document.querySelectorAll('.metric')].find(one => one.innerText.includes('of all time'))"
    "?.querySelector('.value').innerText.trim()"
)
STATUS: Final = "return (await fetch('/api/post/4711/stats')).status"
TEXT: Final = "return document.body.innerText"
PRESS: Final = "document.querySelector('main button').click()"

OUT: Final = "[...document.querySelectorAll('button')].find(one => one.textContent === 'Sign out').click()"


async def test_a_person_signs_in_shares_a_content_and_signs_out(folder: Any) -> None:
    in_thread = trio.to_thread.run_sync
    with running(folder) as vts, vts.client(vts.service_token()) as service:
        content = {"post_id": 4711, "title": "Tide", "owner_id": 7}
        await in_thread(lambda: service.post("/api/content", json=content))
        link = await in_thread(vts.cli, "login-link", "--user", "7")
        async with chromium() as browser:
            page = await (await browser.page()).goto(link)
            assert await page.run("return document.querySelectorAll('main button').length") == 1
            await page.leave(PRESS)
            await page.until("document.body.textContent.includes('Sign out everywhere')")
            assert await page.run("return document.cookie + location.search") == ""  # no script reads the session

            guest = await (await browser.page()).goto(await page.run(SHARE))
            await guest.until("document.querySelector('.line')?.innerText === 'Live'")
            with vts.client() as visitor:
                await in_thread(lambda: visitor.post("/api/view", json={"post_id": 4711}))
            await guest.until(f"{VIEWS} === '1'")
            assert "Tide" in await guest.run(TEXT)
            assert await guest.run("return document.cookie") == ""
            assert not guest.complaints and {url.split("/")[2] for _, url in guest.requests} == {vts.http.split("/")[2]}
            assert [await one.run(STATUS) for one in (page, guest)] == [200, 401]

            await page.leave(OUT)
            assert "Not signed in" in await page.run(TEXT) and not page.complaints
            again = await (await browser.page()).goto(link)
            await again.leave(PRESS)
            assert "the link has been used" in await again.run(TEXT)
