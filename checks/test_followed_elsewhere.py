"""A page of another origin follows the count of a public content, without a token and without cookies."""

from __future__ import annotations

import trio

from tests.support.chromium import chromium
from tests.support.pages import RESOLVE, pages
from tests.support.process import running

FOLLOW = """
window.heard = {};
const note = (way, text) => (window.heard[way] ||= []).push(JSON.parse(text));
new EventSource(VTS + '/live/events?topics=post:42,top').onmessage = e => note('events', e.data);
new EventSource(VTS + '/live/events?topics=post:42', {withCredentials: true}).onmessage = e => note('cookies', e.data);
const socket = new WebSocket(VTS.replace('http', 'ws') + '/live');
socket.onopen = () => socket.send(JSON.stringify({op: 'subscribe', topics: ['post:42']}));
socket.onmessage = e => note('socket', e.data);
"""
ALL_SEE = "['events', 'cookies', 'socket'].every(way => heard[way]?.some(one => one.views === {views}))"
REFUSED = "return heard.events.filter(one => one.error).map(one => [one.topic, one.error_code]);"


async def test_a_page_of_another_origin_follows_a_public_content(folder):
    with running(folder) as vts:
        async with pages() as address, chromium(RESOLVE) as browser:
            page = await (await browser.page()).goto(address)
            with vts.client() as client:
                send = lambda: client.post("/api/view", json={"post_id": 42}).raise_for_status()  # noqa: E731
                await trio.to_thread.run_sync(send)
                await page.run(f"const VTS = '{vts.http}';" + FOLLOW)
                await page.until(ALL_SEE.format(views=1))
                await trio.to_thread.run_sync(send)
                await page.until(ALL_SEE.format(views=2))
            assert await page.run(REFUSED) == [["top", "forbidden"]]
            assert not page.complaints
