"""Web clients in a real browser, on another origin than VTS: a gallery that counts on 201, and a video player."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import httpx

from tests.support.chromium import Page, chromium
from tests.support.pages import RESOLVE, pages
from tests.support.process import Vts, running
from tests.support.waiting import until

VISITOR, ARTIST = 7, 8
POST, SECOND = 301, 302

# A page of a gallery: an intentional view is an empty POST, an impression has JSON; the shown count grows on 201 alone.
GALLERY = """
let shown = 0;
const send = (id, token, more = {}) => fetch(VTS + `/api/post/${id}/view`, {
    method: 'POST', credentials: 'include', ...more,
    headers: {...more.headers, ...(token ? {Authorization: 'Bearer ' + token} : {})},
});
const view = async (id, token) => {
    const {status} = await send(id, token);
    if (status === 201) shown += 1;
    return status;
};
const impression = async (id, token, channel, channel_context) => (await send(id, token, {
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({intent: 'impression', channel, channel_context, play_order: 2}),
})).status;
"""
VISIT = """
const views = [
    await view(301), await view(301), await view(301, TOKEN), await view(301, TOKEN), await view(301, AUTHOR),
];
const impressions = [
    await impression(301, null, 'artwork', null), await impression(302, null, 'hashtag', 'cats'),
    await impression(301, TOKEN, 'by_user', 'k5fNx'), await impression(301, AUTHOR, 'all', null),
];
return [views, impressions, shown];
"""
# A video player: a name of its own in the browser's storage, events in a queue, and what is left when it is closed.
PLAYER = """
const clientId = localStorage.getItem('id') ?? crypto.getRandomValues(new Uint8Array(16)).join('');
localStorage.setItem('id', clientId);
const flush = (events, keepalive = false) => fetch(VTS + '/analytics/events', {
    method: 'POST', keepalive, headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({streamId: STREAM, clientId, events}),
});
const said = async events => { const one = await flush(events); return [one.status, await one.json()]; };
"""
WATCH = """
const answers = [
    await said([{type: 'play', videoTime: 0}]),
    await said([{type: 'heartbeat', videoTime: 15}]),
    await said([
        {type: 'heartbeat', videoTime: 30}, {type: 'buffer_start', videoTime: 31},
        {type: 'buffer_end', videoTime: 31}, {type: 'heartbeat', videoTime: 45},
    ]),
    await said([{type: 'heartbeat', videoTime: undefined, extra: undefined}]),
    await said([{type: 'heartbeat', videoTime: undefined, extra: undefined}]),
    await said([{type: 'error', videoTime: undefined, extra: {message: 'video_error'}}]),
    await said([{type: 'pause', videoTime: 50}]),
    await said([{type: 'pause', videoTime: 50}]),
];
addEventListener('pagehide', () => flush([{type: 'ended', videoTime: 52}], true));
return answers;
"""
WATCHED = ["play", *["heartbeat"] * 2, "buffer_start", "buffer_end", *["heartbeat"] * 3, "error", "pause", "ended"]


def constants(vts: Vts, stream: str) -> str:
    known = {"VTS": vts.http, "TOKEN": vts.token(VISITOR), "AUTHOR": vts.token(ARTIST), "STREAM": stream}
    return "".join(f"const {name} = '{value}';" for name, value in known.items())


async def test_web_clients_of_another_origin_count_as_they_are(folder: Path) -> None:
    stream = str(uuid.uuid4())
    rules = {"VTS_CAPTURE__POST_VIEW_STATUS": "201_204", "VTS_CAPTURE__VIEW_ONCE": "on"}
    with running(folder, **rules) as vts, vts.client(vts.service_token()) as service:
        contents = [{"post_id": post, "kind": "artwork", "owner_id": ARTIST} for post in (POST, SECOND)]
        named = {"post_id": f"stream:{stream}", "kind": "stream"}
        service.post("/api/content", json=[*contents, named]).raise_for_status()
        async with pages() as address, chromium(RESOLVE) as browser:
            known = constants(vts, stream)
            first = await (await browser.page()).goto(address)
            await visits_a_gallery(first, known, service)
            await watches_a_stream(first, known, service)
            later = await (await browser.page()).goto(address)
            assert await later.run(known + GALLERY + "return await view(301);") == 204
            assert first.complaints == later.complaints == []


async def visits_a_gallery(page: Page, known: str, service: httpx.Client) -> None:
    """Anonymous, signed in, and as the artist: one intentional view for each viewer but the artist."""
    views, impressions, shown = await page.run(known + GALLERY + VISIT)
    assert (views, impressions) == ([201, 204, 201, 204, 204], [201, 201, 201, 204])
    stats = await until(lambda: counted(service, POST, 4))
    assert stats["views_by_type"] == {"intentional": shown, "listing": 2}
    assert stats["views_by_channel"] == {"artwork": 1, "by_user": 1}
    assert (await until(lambda: counted(service, SECOND, 1)))["views_by_channel"] == {"hashtag": 1}


async def watches_a_stream(page: Page, known: str, service: httpx.Client) -> None:
    """Every event is stored once; what is sent again is told by its position, and what has none is new."""
    answers: list[tuple[int, Any]] = await page.run(known + PLAYER + WATCH)
    ingested = [1, 1, 4, 1, 1, 1, 1]
    assert answers == [*([202, {"ingested": how_many}] for how_many in ingested), [202, {
        "ingested": 0, "dropped": {"duplicate": 1},
    }]]  # fmt: skip
    await page.close()

    def stored() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = service.get("/api/export/playback_events?format=json").json()
        return sorted(rows, key=lambda row: str(row["created_at"])) if len(rows) >= len(WATCHED) else []

    rows = await until(stored, pause_s=0.05)
    assert [row["event_type"] for row in rows] == WATCHED
    assert len({row["client_key"] for row in rows}) == 1


def counted(service: httpx.Client, post: int, views: int) -> dict[str, Any]:
    """The statistics of a content when they have so many views, else nothing."""
    stats: dict[str, Any] = service.get(f"/api/post/{post}/stats").json()
    return stats if stats["total_views"] == views else {}
