"""What supervision writes: every event, but an outage that goes on only now and then."""

from __future__ import annotations

import logging

import pytest

from supervisors.logs import SAID_EVERY_S, EventLog
from supervisors.report import BackingOff, Failed, Started, Stopped
from vts.model.faults import StoreUnavailable


def test_an_outage_that_goes_on_is_written_every_half_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now_s = 0.0
    log = EventLog(lambda: now_s)
    for _ in range(round(2 * SAID_EVERY_S)):
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
