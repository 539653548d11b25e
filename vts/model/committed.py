"""What a committed batch means to whoever follows the counts, here and in other processes."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from vts.model.day import MINUTE_US
from vts.model.view import ViewEvent

NOW_US: Final = 5 * MINUTE_US  # a viewer is "now" for five minutes

_NOTICE_POSTS: Final = 80  # × ≤ 49 bytes of JSON each
_NOTICE_SEEN: Final = 170  # × 16 bytes, in base64; together below the 8,000 bytes that PostgreSQL carries
_SEEN_BYTES: Final = 16


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

    `posts` are the totals, `seen` the viewers of the last five minutes: 8 bytes of post_id (big-endian) and the first
    8 bytes of the viewer key, again and again.
    """

    journal: str
    posts: list[DayTotals]
    seen: bytes

    def viewers(self) -> Iterator[tuple[int, bytes]]:
        """Give (post_id, first 8 bytes of the viewer key) of everyone seen."""
        for at in range(0, len(self.seen) - _SEEN_BYTES + 1, _SEEN_BYTES):
            yield int.from_bytes(self.seen[at : at + 8], "big"), self.seen[at + 8 : at + _SEEN_BYTES]


_pack: Final = struct.Struct(">q8s").pack  # which takes the first 8 bytes of the key
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Notice)


def notices_of(committed: Committed, now_us: int) -> list[str]:
    """Write the notices of a batch, each short enough for one NOTIFY."""
    since_us = now_us - NOW_US
    stream = b"".join({_pack(e.post_id, e.viewer_key) for e in committed.events if e.created_at > since_us})
    totals, journal = committed.totals, committed.journal_id.hex()
    size = _NOTICE_SEEN * _SEEN_BYTES
    count = max(-(-len(totals) // _NOTICE_POSTS), -(-len(stream) // size))
    return [
        _encoder.encode(
            {
                "journal": journal,
                "posts": totals[n * _NOTICE_POSTS : (n + 1) * _NOTICE_POSTS],
                "seen": base64.b64encode(stream[n * size : (n + 1) * size]).decode(),
            }
        ).decode()
        for n in range(count)
    ]


def read_notice(payload: str) -> Notice:
    """Read one notice. Raises msgspec.MsgspecError for anything else."""
    return _decoder.decode(payload)
