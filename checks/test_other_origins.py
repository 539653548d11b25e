"""Pages of another origin in a real browser: every way of sending a view counts once, and the console stays empty."""

from __future__ import annotations

from pathlib import Path

import trio

from tests.support.chromium import chromium
from tests.support.pages import RESOLVE, pages
from tests.support.process import Vts, running

SENT = """
const json = {'Content-Type': 'application/json'};
const view = (id, more) => fetch(VTS + '/api/view', {method: 'POST', body: JSON.stringify({post_id: id}), ...more});
const sent = [
    await view(101, {credentials: 'include', headers: json}),
    await view(102, {headers: json}),
    await view(103, {}),
    await view(104, {credentials: 'include', headers: {...json, 'X-Requested-With': 'page', 'X-Own': '1'}}),
    await view(105, {credentials: 'include', headers: {...json, Authorization: 'Bearer ' + TOKEN}}),
    await fetch(VTS + '/api/post/106/view', {method: 'POST', credentials: 'include'}),
    await fetch(VTS + '/api/post/107/view', {
        method: 'POST', credentials: 'include', headers: json,
        body: JSON.stringify({intent: 'impression', channel: 'artwork', play_order: 2}),
    }),
    await fetch(VTS + '/api/track/page-view', {
        method: 'POST', keepalive: true, headers: json, body: JSON.stringify({path: '/search', referrer: null}),
    }),
    await view('blog:1030', {credentials: 'include', headers: json}),
    await fetch(VTS + '/api/post/blog:1030/view', {
        method: 'POST', credentials: 'include', headers: json, body: '{"intent":"view"}',
    }),
];
const played = await fetch(VTS + '/analytics/events', {method: 'POST', credentials: 'include', headers: json,
    body: JSON.stringify({streamId: 'stream:7', clientId: 'c', events: [{type: 'PLAY', videoTime: null}]}),
});
if ((await played.json()).ingested !== 1) throw new Error(`playback: ${played.status}`);
navigator.sendBeacon(VTS + '/api/view', new Blob(['{"post_id":108}'], {type: 'application/json'}));
navigator.sendBeacon(VTS + '/api/view', '{"post_id":109}');
new Image().src = VTS + '/api/pixel.gif?post_id=110';
return await Promise.all(sent.map(async one => [one.status, (await one.json()).accepted]));
"""
LEAVING = """
addEventListener('pagehide', () => fetch(VTS + '/api/view', {
    method: 'POST', keepalive: true, credentials: 'include',
    headers: {'Content-Type': 'application/json'}, body: '{"post_id":111}',
}));
"""
COUNT = """
const count = async (id, more) => (await (await fetch(VTS + `/api/post/${id}/count`, more)).json()).views;
"""
OF_ALL = "return await Promise.all([101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111].map(id => count(id)));"
IN_EVERY_WAY = """return [
    await count('blog:1030'), await count(101, {credentials: 'include'}),
    await count(101, {credentials: 'include', headers: {Authorization: 'Bearer ' + TOKEN, 'X-Requested-With': 'page'}}),
];"""


async def until_counted(vts: Vts, content: int) -> None:
    """Wait until the content has a view: a beacon has no answer that a page could wait for."""
    with vts.client() as client, trio.fail_after(60):
        while not (await trio.to_thread.run_sync(client.get, f"/api/post/{content}/count")).json().get("views"):
            await trio.sleep(0.02)


def constants(vts: Vts) -> str:
    return f"const VTS = '{vts.http}', TOKEN = '{vts.token(7)}';"


async def test_a_page_of_another_origin_sends_views_in_every_way_and_reads_counts(folder: Path) -> None:
    with running(folder) as vts:
        async with pages() as address, chromium(RESOLVE) as browser:
            known = constants(vts)
            with vts.client(vts.service_token()) as service:
                assert service.post("/api/content", json={"post_id": "stream:7", "kind": "stream"}).is_success
            first = await (await browser.page()).goto(address)
            assert await first.run(known + SENT) == [[202, 1]] * 10
            await first.run(known + LEAVING)
            await first.close()
            second = await (await browser.page()).goto(address)
            for content in (108, 109, 110, 111):
                await until_counted(vts, content)
            assert await second.run(known + COUNT + OF_ALL) == [1] * 11
            assert await second.run(known + COUNT + IN_EVERY_WAY) == [2, 1, 1]
            assert first.complaints == second.complaints == []
