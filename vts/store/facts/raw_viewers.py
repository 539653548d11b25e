"""Who is left in the raw rows of a day, after the rows of an import were removed."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Final

import trio

from vts.model import sketch
from vts.model.import_part import Rest, Times
from vts.model.tally import SITE
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

BITE: Final = 2_500  # viewers: about a millisecond of sketching

_OF_POST: Final = query("import_raw_viewers", table="view_events", only="AND post_id = $3")
_OF_SITE: Final = query("import_raw_viewers", table="view_events", only="")
_OF_EVENTS: Final = query("import_raw_viewers", table="site_events", only="AND event_type = 'page_view'")


async def rest_of_raw(connection: Connection, post_id: int, day: dt.date) -> Rest:
    """Return what the raw rows of a content have, of all contents (post_id 0), or of the page views (-1)."""
    statement, more = (_OF_POST, [post_id]) if post_id > SITE else (_OF_SITE if post_id == SITE else _OF_EVENTS, [])
    every: bytes | None = None
    signed: bytes | None = None
    times: Times = (None, None, None, None)
    at = b""
    while page := await connection.fetch(statement, day, at, *more):
        for start in range(0, len(page), BITE):
            bite = page[start : start + BITE]
            every = sketch.grown(every, [sketch.number_of(row[0]) for row in bite])[0] or every
            if keys := [sketch.number_of(row[0]) for row in bite if row[3] is not None]:
                signed = sketch.grown(signed, keys)[0] or signed
            await trio.lowlevel.checkpoint()
        times = _span(times, page)
        at = page[-1][0]
    return Rest(sys.maxsize, times, ([every] if every else [], [signed] if signed else []))


def _span(times: Times, page: list[tuple[dt.datetime | None, ...]]) -> Times:
    columns = [[each for each in (known, *(row[1 + n] for row in page)) if each] for n, known in enumerate(times)]
    first, last, first_signed, last_signed = (
        (min if n % 2 == 0 else max)(column) if column else None for n, column in enumerate(columns)
    )
    return first, last, first_signed, last_signed
