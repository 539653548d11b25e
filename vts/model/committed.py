"""What a committed batch changes for live counts, in this process and in others."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

from vts.model.day import MINUTE_US, SECOND_US
from vts.model.view import ViewEvent

NOW_US: Final = 5 * MINUTE_US  # a viewer is "now" for five minutes

_NOTICE_POSTS: Final = 80  # × ≤ 49 bytes of JSON each
_NOTICE_SEEN: Final = 150  # × 18 bytes, in base64; together below the 8,000 bytes that PostgreSQL carries
_SEEN_BYTES: Final = 16
_AGE_BYTES: Final = 2


class DayTotals(NamedTuple):
    """The totals of one (post, day) after a commit; post_id 0 is the whole site."""

    post_id: int
    day: int
    views: int
    unique_viewers: int


class Committed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A batch that is in the database: what was really inserted, and the totals of every (post, day) that it touched.

    `records` is how many the journal had; `events` are those of them that count, in no promised order, `duplicates` and
    `dead` the rest. `journal_id` names the process that drained them, `run_id` the run of the journal that row
    `last_seq` belongs to. `took_s` is the time of the transaction.
    """

    journal_id: bytes
    last_seq: int
    records: int
    events: list[ViewEvent]
    totals: list[DayTotals]
    duplicates: int = 0
    dead: int = 0
    took_s: float = 0.0
    run_id: bytes = b""


class Notice(msgspec.Struct, frozen=True):
    """A part of a batch that another process committed, as NOTIFY `vts_live` carries it.

    `seq` is how far the run of the journal is drained with it. `posts` are the totals, `seen` the viewers of the last
    five minutes: 8 bytes of post_id (big-endian) and the first 8 bytes of the viewer key, again and again. `ages` are
    the seconds since each of them was last seen, 2 bytes each: ages, since the clocks of two machines differ.
    """

    journal: str
    posts: list[DayTotals]
    seen: bytes
    ages: bytes = b""  # this and what follows is absent in notices of versions up to 0.1
    run: str = ""
    seq: int = 0

    def viewers(self) -> Iterator[tuple[int, bytes, int]]:
        """Give (post_id, first 8 bytes of the viewer key, seconds since) of every viewer seen."""
        for number, at in enumerate(range(0, len(self.seen) - _SEEN_BYTES + 1, _SEEN_BYTES)):
            age_s = int.from_bytes(self.ages[number * _AGE_BYTES : (number + 1) * _AGE_BYTES], "big")
            yield int.from_bytes(self.seen[at : at + 8], "big"), self.seen[at + 8 : at + _SEEN_BYTES], age_s


_pack: Final = struct.Struct(">q8s").pack  # which takes the first 8 bytes of the key
_when: Final = attrgetter("created_at")
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Notice)


def notices_of(committed: Committed, now_us: int) -> list[str]:
    """Write the notices of a batch, each short enough for one NOTIFY; at least one, for followers of the journal."""
    since_us = now_us - NOW_US
    recent = [event for event in committed.events if event.created_at > since_us]
    last = {_pack(event.post_id, event.viewer_key): event.created_at for event in recent}
    if len(last) < len(recent):  # a viewer was seen twice: the last time counts
        recent.sort(key=_when)
        last = {_pack(event.post_id, event.viewer_key): event.created_at for event in recent}
    seen = list(last)
    ages = [(now_us - at_us) // SECOND_US if at_us < now_us else 0 for at_us in last.values()]
    totals, journal, run = committed.totals, committed.journal_id.hex(), committed.run_id.hex()
    count = max(-(-len(totals) // _NOTICE_POSTS), -(-len(seen) // _NOTICE_SEEN), 1)
    return [
        _encoder.encode(
            {
                "journal": journal,
                "posts": totals[n * _NOTICE_POSTS : (n + 1) * _NOTICE_POSTS],
                "seen": _base64(b"".join(seen[n * _NOTICE_SEEN : (n + 1) * _NOTICE_SEEN])),
                "ages": _base64(_pack_ages(ages[n * _NOTICE_SEEN : (n + 1) * _NOTICE_SEEN])),
                "run": run,
                "seq": committed.last_seq,
            }
        ).decode()
        for n in range(count)
    ]


def _pack_ages(ages: Sequence[int]) -> bytes:
    return struct.pack(f">{len(ages)}H", *ages)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def read_notice(payload: str) -> Notice:
    """Read one notice. Raises msgspec.MsgspecError for anything else."""
    return _decoder.decode(payload)
