"""What is read anew while VTS runs: when it was asked for, and when a file has changed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from supervisors.tree.renewal import Renewable, Renewal
from tests.support.waiting import until
from vts.auth.revoked import RevokedFile
from vts.model.faults import BadStart

LOOK_S = 0.01


class Shown:
    """What a file said when it was read last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text()
        self.tries = 0

    def renew(self) -> None:
        self.tries += 1
        text = self.path.read_text()
        if text == "half":
            raise BadStart("half a file")
        self.text = text


@asynccontextmanager
async def looked_after(shown: Shown, look_s: float) -> AsyncIterator[Renewal]:
    renewal = Renewal([Renewable(name="it", files=(shown.path,), renew=shown.renew)], look_s)
    async with trio.open_nursery() as nursery:
        await nursery.start(renewal.run)
        yield renewal
        nursery.cancel_scope.cancel()


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    path = tmp_path / "file"
    path.write_text("first")
    return Shown(path)


async def test_a_changed_file_is_noticed_by_itself(shown: Shown, tmp_path: Path) -> None:
    async with looked_after(shown, LOOK_S):
        shown.path.write_text("second")
        await until(lambda: shown.text == "second")
        (tmp_path / "new").write_text("third!")  # of the same length, and renamed: as certificates are renewed
        (tmp_path / "new").replace(shown.path)
        await until(lambda: shown.text == "third!")
    assert shown.tries == 2  # and an unchanged file is left alone


async def test_half_a_renewal_changes_nothing_and_is_finished_later(shown: Shown, caplog) -> None:
    async with looked_after(shown, LOOK_S):
        shown.path.write_text("half")
        await until(lambda: shown.tries == 1)
        assert shown.text == "first"
        shown.path.write_text("whole")
        await until(lambda: shown.text == "whole")
    assert [record.error for record in caplog.records if record.levelname == "ERROR"] == ["half a file"]


async def test_a_file_that_is_away_for_a_moment_changes_nothing(shown: Shown) -> None:
    async with looked_after(shown, LOOK_S):
        shown.path.unlink()
        await until(lambda: shown.tries == 1)
        assert shown.text == "first"
        shown.path.write_text("again")
        await until(lambda: shown.text == "again")


async def test_what_is_asked_for_is_read_whatever_the_file_says(shown: Shown) -> None:
    async with looked_after(shown, look_s=3600.0) as renewal:
        for tries in (1, 2):
            renewal.ask()
            await until(lambda tries=tries: shown.tries == tries)


def test_revoked_tokens_are_known_at_once_and_stay_revoked_while_the_list_is_away(tmp_path: Path, caplog) -> None:
    path = tmp_path / "revoked"
    path.write_text("a1\n")
    revoked = RevokedFile(path)
    assert revoked("a1") and not revoked("b2")
    stamp = path.stat()
    (tmp_path / "new").write_text("b2\n")
    (tmp_path / "new").replace(path)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # of the same length and time, as a copy may be
    assert revoked("b2") and not revoked("a1")
    path.unlink()
    assert revoked("b2") and revoked("b2")
    assert len(caplog.records) == 1
    path.write_text("c3\nd4\n")
    assert revoked("c3") and not revoked("b2")
