"""A world for the gate: a catalog, reports of visitors and players, and times that read well."""

from __future__ import annotations

from typing import Any

from vts.admit.gate import Gate, GateSettings
from vts.admit.verdict import Admitted, Verdict
from vts.catalog.memory import MemoryCatalog
from vts.model import identity
from vts.model.content import Content, Player
from vts.model.day import DAY_US, SECOND_US
from vts.model.outcome import Refused
from vts.model.view import Report

NOW = 20_400 * DAY_US + 12 * 3600 * SECOND_US  # a noon
S = SECOND_US
ENTROPY = bytes(range(10))
SECRET = b"s" * 32

PLAYER = b"P" * 16
OWNED_PLAYER = b"O" * 16
REVOKED = b"R" * 16
OWNER = 7
ARTWORK, DELETED, PROVISIONAL, UNKNOWN = 42, 43, 44, 999


def catalog(provisional_max: int = 100) -> MemoryCatalog:
    known = MemoryCatalog(provisional_max)
    known.apply(
        [
            (ARTWORK, Content(OWNER, "artwork", False, False, False)),
            (DELETED, Content(OWNER, "artwork", False, True, False)),
            (PROVISIONAL, Content(None, None, False, False, True)),
            *((n, Content(1, "blog", False, False, False)) for n in range(1, 11)),
        ],
        [
            (PLAYER, Player(None, True)),
            (OWNED_PLAYER, Player(OWNER, True)),
            (REVOKED, Player(OWNER, False)),
        ],
    )
    known.revision = 1
    return known


def gate(known: MemoryCatalog | None = None, **rules: Any) -> Gate:
    return Gate(GateSettings(**rules), catalog() if known is None else known, SECRET)


def visit(post_id: int = ARTWORK, viewer: bytes = b"V" * 16, **fields: Any) -> Report:
    return Report(post_id=post_id, arrived_us=NOW, viewer_key=viewer, key_version=1, **fields)


def signed_in(user_id: int, **fields: Any) -> Report:
    return visit(viewer_user_id=user_id, authenticated=True, **fields)


def play(post_id: int = ARTWORK, at: int | None = None, key: bytes = PLAYER, **fields: Any) -> Report:
    return Report(
        post_id=post_id,
        arrived_us=NOW,
        viewer_key=key,
        key_version=1,
        player_key=key,
        device_time_us=at,
        view_source="player",
        device_type="player",
        **fields,
    )


def id_4(n: int) -> bytes:
    return bytes(6) + b"\x40\x00\x80" + n.to_bytes(7, "big")


def id_7(time_us: int, n: int = 0) -> bytes:
    return identity.version_7(time_us, n.to_bytes(10, "big"))


def said(verdict: Verdict) -> str:
    """The verdict in one word."""
    return verdict.reason.value if isinstance(verdict, Refused) else type(verdict).__name__.lower()


def decide(judge: Gate, report: Report, now: int = NOW) -> str:
    return said(judge.decide(report, now, ENTROPY))


def admit(judge: Gate, report: Report, now: int = NOW) -> Admitted:
    verdict = judge.decide(report, now, ENTROPY)
    assert isinstance(verdict, Admitted), verdict
    return verdict


def keep(judge: Gate, report: Report, now: int = NOW) -> Admitted:
    one = admit(judge, report, now)
    judge.confirm(one)
    return one


def lose(judge: Gate, report: Report, now: int = NOW) -> None:
    judge.release(admit(judge, report, now))


def wait_s(judge: Gate, report: Report, now: int = NOW) -> float:
    verdict = judge.decide(report, now, ENTROPY)
    assert isinstance(verdict, Refused) and verdict.retry_after_s is not None, verdict
    return verdict.retry_after_s
