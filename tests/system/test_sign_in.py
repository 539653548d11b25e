"""A session at a real process: by the link of the command, followed live, and ended."""

from __future__ import annotations

import json
import subprocess

import trio
from trio_websocket import ConnectionClosed, open_websocket_url

from tests.support.process import Vts


async def test_a_live_connection_ends_when_its_session_does(shared_vts: Vts) -> None:
    in_thread = trio.to_thread.run_sync
    link = await in_thread(shared_vts.cli, "login-link", "--role", "moderator")
    browser = shared_vts.client()
    browser.headers["Origin"] = shared_vts.http
    assert link.startswith(f"{shared_vts.http}/login?link=")
    assert (await in_thread(browser.get, link)).status_code == 200
    form = {"link": link.partition("link=")[2]}
    assert (await in_thread(lambda: browser.post("/login", data=form))).status_code == 303
    assert (await in_thread(lambda: browser.post("/login", data=form))).status_code == 401
    cookie = f"vts_session={browser.cookies['vts_session']}"
    headers = [(b"Cookie", cookie.encode()), (b"Origin", shared_vts.http.encode())]
    async with open_websocket_url(shared_vts.http.replace("http", "ws") + "/live", extra_headers=headers) as socket:
        await socket.send_message(json.dumps({"op": "subscribe", "topics": ["site"]}))
        assert json.loads(await socket.get_message())["topic"] == "site"  # which needs a role
        assert (await in_thread(lambda: browser.post("/logout"))).json() == {"ended": 1}
        with trio.fail_after(30):
            try:
                while True:
                    await socket.get_message()
            except ConnectionClosed as closed:
                assert closed.reason is not None and closed.reason.code == 1008
    browser.cookies.clear()
    late = await in_thread(lambda: browser.get("/api/session", headers={"Cookie": cookie}))
    assert late.json() == {"signed_in": False}
    browser.close()


def test_a_link_that_may_not_be_made_is_refused_in_a_line(shared_vts: Vts) -> None:
    done = subprocess.run(
        [*shared_vts.command, "login-link", "--token", shared_vts.token(7), "--url", shared_vts.http],
        env=shared_vts.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "403" in done.stderr and "Traceback" not in done.stderr
