"""What others sent is shown as text on every page, never as markup; and pages show what a session may see."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.chromium import Page, chromium
from tests.support.dashboard import SETTLED, signed_in
from tests.support.folders import open_folder
from tests.support.ports import free_port
from tests.support.process import BROWSER, Vts, running
from tests.support.waiting import wait_until

KEY = str(uuid.uuid4())
CREDENTIAL = "credential-of-the-wall-of-this-test"


def script(name: str) -> str:
    """Return markup that would run if it were not text, and says which field it came from."""
    return f"<img src=x onerror=\"window.ran='{name}'\"><script>window.ran='{name}'</script>"


CONTENT, ARTIST = "artwork:marked", script("owner")  # an id of a content has letters, digits and -._~ only
SEEN = {"title", "player", "firmware", "path", "type", "owner", "content", "artist"}
"""The fields that a page shows; the last two are of an address that a person was led to."""


@pytest.fixture(scope="module")
def vts() -> Iterator[Vts]:
    port = free_port()
    with open_folder() as folder, running(folder, VTS_MQTT__LISTEN=f"127.0.0.1:{port}") as one:
        fill(one)
        publish(port, "status", {"status": "online", "firmware_version": script("firmware")[:64]})
        with one.client(one.service_token()) as client:
            wait_until(lambda: "firmware" in client.get("/api/players").text)
            wait_until(lambda: "\nvts_journal_depth 0" in client.get("/metrics").text)
        yield one


def fill(vts: Vts) -> None:
    """Send markup in every field of text that a page shows."""
    row = {"post_id": CONTENT, "owner_id": ARTIST, "title": script("title"), "category": script("category")[:64]}
    player = {"player_key": KEY, "owner_id": ARTIST, "name": script("player"), "credential": CREDENTIAL}
    seen = {"post_id": CONTENT, "referrer": f"https://{script('referrer')}/", "channel": "hashtag"}
    visitor = {"client_ip": "198.51.100.7", "user_agent": BROWSER}
    error = {"event_type": "error", "page_path": f"/{script('page')}", "event_data": {"error_type": script("type")}}
    with vts.client(vts.service_token()) as client:

        def post(path: str, body: Any) -> None:
            answer = client.post(path, json=body)
            assert answer.is_success and not answer.json().get("errors"), (path, answer.text)

        post("/api/content", row | {"hashtags": [script("hashtag")[:60]]})
        post("/api/players", player)
        post("/api/view", seen | visitor | {"channel_context": script("context")[:60]})
        page = {"path": f"/{script('path')}", "referrer": f"https://{script('referrer')}/"}
        post("/api/track/page-view", page | visitor)
        post("/api/track/event", error)


def publish(port: int, topic: str, payload: dict[str, Any]) -> None:
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-V", "5", "-q", "1", "-u", KEY, "-P", CREDENTIAL]
    message = json.dumps(payload | {"player_key": KEY})
    subprocess.run([*command, "-t", f"makapix/player/{KEY}/{topic}", "-m", message], check=True)


def path_of(page: str, name: str) -> str:
    return f"/{page}/{quote(name, safe='')}"


REFUSED = "document.querySelector('main .failed')"


async def read(page: Page, url: str, drawn: str = SETTLED) -> str:
    """Open a page; return the text that it shows. No markup of a field may have become an element."""
    await page.goto(url)
    await page.until(drawn)
    assert await page.run("return document.querySelectorAll('img, body script:not([src])').length;") == 0, url
    assert await page.run("return window.ran;") is None, url
    return str(await page.run("return document.body.innerText + document.title;"))


async def test_markup_in_every_field_stays_text(vts: Vts) -> None:
    pages = [path_of("content", CONTENT), path_of("artist", ARTIST)]
    pages += [path_of(page, script(page).partition("<script")[0]) for page in ("content", "artist")]
    pages += ["/", "/now", "/players", "/channels", "/not-counted"]
    async with chromium() as browser:
        page = await signed_in(await browser.page(), vts, vts.token(1, "moderator"))
        text = "".join([await read(page, vts.http + path) for path in pages])
        with vts.client(vts.token(ARTIST)) as client:
            shared = client.post("/api/share-links", json={"post_id": CONTENT}).json()["url"]
        text += await read(await browser.page(), shared)
    assert {name for name in SEEN if f"window.ran='{name}'" in text} == SEEN


async def test_a_session_sees_its_own_and_a_page_without_one_asks_nothing(vts: Vts) -> None:
    async with chromium() as browser:
        page = await signed_in(await browser.page(), vts, vts.token("Bob"))
        for path in (path_of("content", CONTENT), path_of("artist", ARTIST)):
            assert "This is not yours to see" in await read(page, vts.http + path, REFUSED), path
        page.requests.clear()
        for path in ("/now", "/players", "/channels", "/not-counted", "/operations"):
            assert "This is not yours to see" in await read(page, vts.http + path, REFUSED), path
        out = await browser.page()
        for path in (path_of("content", CONTENT), path_of("artist", ARTIST), "/now", "/players", "/operations"):
            assert "You are signed out" in await read(out, vts.http + path, REFUSED), path
        for each in (page, out):
            assert not [url for _, url in each.requests if "/api/" in url or "/live" in url or "/metrics" in url]
        assert out.complaints == []
