"""What is written: JSON or lines for people, and an outage that goes on only now and then."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import select
from collections.abc import Iterator
from typing import Literal, TextIO

import pytest

from supervisors.engine.events import BackingOff, Failed, Started, Stopped
from supervisors.tree.logs import REPEATED_EVERY_S, EventLog, install, set_level
from vts.model.faults import StoreUnavailable

BOUND_S = 60  # for busy cores; nothing is decided by it


@pytest.fixture
def terminal() -> Iterator[tuple[int, TextIO]]:
    """Our end of a terminal, and the stream that a process writes to; logging is as before afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    ours, theirs = pty.openpty()
    with open(theirs, "w", buffering=1) as stream:
        yield ours, stream
        root.handlers[:] = handlers
        root.setLevel(level)
    os.close(ours)


def shown(ours: int, count: int) -> list[str]:
    """So many lines that a terminal displays: it passes them on in pieces."""
    text = b""
    while text.count(b"\n") < count:
        assert select.select([ours], [], [], BOUND_S)[0], text
        text += os.read(ours, 65_536)
    return text.decode().splitlines()


def write_some() -> None:
    """Four logs, of which two need attention."""
    log = EventLog()
    log(Started("drain"))
    log(Failed("drain", StoreUnavailable("the database does not answer"), False))
    try:
        int("what a client \x1b[2J sent")
    except ValueError as error:
        logging.getLogger("vts").error("a connection\nfailed \x1b[2J", extra={"task": "door\x07"}, exc_info=error)
    log(Stopped("drain"))


def test_a_terminal_gets_short_lines_of_what_needs_attention(terminal: tuple[int, TextIO]) -> None:
    ours, stream = terminal
    install("info", "auto", stream)
    set_level("info")  # as SIGHUP does
    write_some()
    first, second = shown(ours, 2)
    assert first[8:] == " warning: drain failed: kind=outage, said=the database does not answer, StoreUnavailable"
    assert second[8:].startswith(r" error: a connection\nfailed \x1b[2J: task=door\x07, ValueError at test_logs.py:")


@pytest.mark.parametrize("form", ["json", "auto"])
def test_all_is_json_where_that_is_asked_for_or_no_terminal_is(
    terminal: tuple[int, TextIO], form: Literal["json", "auto"]
) -> None:
    ours, stream = terminal
    written = io.StringIO()
    install("info", form, stream if form == "json" else written)
    write_some()
    lines = [json.loads(line) for line in (shown(ours, 4) if form == "json" else written.getvalue().splitlines())]
    assert [line["message"] for line in lines] == ["started", "failed", "a connection\nfailed \x1b[2J", "stopped"]
    assert lines[0]["at"].endswith("Z")


def test_an_outage_that_goes_on_is_written_every_half_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now_s = 0.0
    log = EventLog(lambda: now_s)
    for _ in range(round(2 * REPEATED_EVERY_S)):
        now_s += 1.0
        for event in (Failed("drain", StoreUnavailable("away"), False), BackingOff("drain", 1.0), Started("drain")):
            log(event)
    assert [record.message for record in caplog.records].count("failed") == 2
    log(Failed("drain", StoreUnavailable("another reason"), False))
    log(Failed("catalog", StoreUnavailable("away"), False))
    log(Failed("drain", ValueError("bug"), True))
    log(Failed("drain", ValueError("bug"), True))
    log(Stopped("drain"))
    assert [record.message for record in caplog.records][-5:] == ["failed"] * 4 + ["stopped"]
