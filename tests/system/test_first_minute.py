"""A newcomer's first minute: what a terminal shows, and a count that has the view that was acknowledged just before."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import trio

from tests.support.process import BROWSER, Vts
from tests.support.waiting import wait_until
from vts.store.session.connection import Database, asyncpg_loop

# So many views a minute, and so many new contents, are more than one visitor may send.
UNLIMITED = {"VTS_LIMITS__WEB_PER_MINUTE": "0", "VTS_CATALOG__PROVISIONAL_PER_MINUTE": "10000"}
TIMES = 30
BOUND_S = 60  # for busy cores; nothing is decided by it


class Terminal:
    """A terminal with one command in it; `shown` is all that it displays."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.shown = ""
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with open(self._ours, "rb", buffering=0) as screen:
            try:
                while piece := screen.read(4096):
                    self.shown += piece.decode(errors="replace").replace("\r\n", "\n")
            except OSError:  # Linux says so at the end of the last process that had it
                pass

    def wait_for(self, text: str) -> None:
        """Return when it is displayed; the command must not have ended before."""
        wait_until(lambda: text in self.shown or self.process.poll() is not None, BOUND_S)
        assert text in self.shown, self.shown

    def close(self) -> None:
        """End what still runs, and read what is left."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(BOUND_S)
        self._reader.join(BOUND_S)


def test_the_first_minute_at_a_terminal(folder: Path) -> None:
    vts = Vts(folder, **UNLIMITED)
    terminal = Terminal([*vts.command, "serve"], vts.environment)
    try:
        terminal.wait_for("Stop with Ctrl-C")
        urls = json.loads((folder / "data" / "ready.json").read_text())
        with httpx.Client(base_url=urls["http"], headers={"User-Agent": BROWSER}, timeout=BOUND_S) as client:
            wait_until(lambda: client.get("/health/ready").status_code == 200, BOUND_S)
            views_are_in_the_counts_that_follow(client)
            trio.run(a_drain_that_cannot_commit_is_said, urls["database"], client)
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.wait(BOUND_S) == 0, terminal.shown
    finally:
        terminal.close()
    speaks_to_people(terminal.shown.splitlines(), urls["http"], folder / "data")


def views_are_in_the_counts_that_follow(client: httpx.Client) -> None:
    """No answer is without the view, unless it says that it lags: the cores of a test may be very busy."""
    answers = [view_then_count(client, post_id) for post_id in range(1, TIMES + 1)]
    late = [answer["post_id"] for answer in answers if "lag_seconds" in answer]
    assert [answer["views"] for answer in answers if "lag_seconds" not in answer] == [1] * (TIMES - len(late))
    assert len(late) < TIMES  # on busy cores some answers come first, and say so
    for post_id in late:
        wait_until(partial(is_counted, client, post_id), BOUND_S)


async def a_drain_that_cannot_commit_is_said(database: str, client: httpx.Client) -> None:
    """The answer carries `lag_seconds` then; that about a content without such views is whole."""
    ask = partial(trio.to_thread.run_sync, abandon_on_cancel=True)
    async with asyncpg_loop():
        connection = await Database(url=lambda: database).connect("login", idle_in_transaction_s=600)
        try:
            await connection.execute("BEGIN")
            await connection.execute("LOCK TABLE journal_offset IN EXCLUSIVE MODE")
            answer = await ask(partial(view_then_count, client, 1000))
            assert answer["views"] == 0 and answer["lag_seconds"] >= 0.2
            assert await ask(partial(is_counted, client, 1))
            await connection.execute("ROLLBACK")
        finally:
            await connection.close()
    await ask(partial(wait_until, partial(is_counted, client, 1000), BOUND_S))


def view_then_count(client: httpx.Client, post_id: int) -> dict[str, Any]:
    """Send a view, and ask for the count as soon as it is acknowledged."""
    assert client.post("/api/view", json={"post_id": post_id}).json()["accepted"] == 1
    return dict(client.get(f"/api/post/{post_id}/count").json())


def is_counted(client: httpx.Client, post_id: int) -> bool:
    by_type = {"intentional": 1, "listing": 0, "search": 0, "widget": 0}
    counted = {"post_id": post_id, "views": 1, "views_by_type": by_type}
    listed = client.get("/api/counts", params={"ref": [post_id, 404_404]}).json()["counts"][0]
    return listed == counted and bool(client.get(f"/api/post/{post_id}/count").json() == counted)


def speaks_to_people(lines: Sequence[str], http: str, data: Path) -> None:
    """What runs, where, and how to stop it; warnings may come in between, JSON may not."""
    assert not [line for line in lines if line.startswith("{")]
    said = [line for line in lines if not re.match(r"\d\d:\d\d:\d\d (warning|error): ", line)]
    assert said[:2] == [f"VTS is starting. Data in {data.resolve()}", f"VTS is ready at {http}"]
    assert said[2].startswith(f"Open the dashboard (once, within 15 min): {http}/login?link=")
    assert said[3:] == [
        "Check it with `vts doctor`. Stop with Ctrl-C.",
        "VTS is stopping. What it acknowledged is on disk.",
        "VTS has stopped.",
    ]
