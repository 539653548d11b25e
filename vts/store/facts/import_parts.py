"""What each import added, row by row: written with the import, read when it is undone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import trio

from vts.model import tally
from vts.model.import_part import SITE_EVENTS, Part, Times
from vts.model.tally import SITE
from vts.store.drain.claims import part_of
from vts.store.facts.import_counters import MERGED_AT_ONCE, Sum, Sums
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

_BEFORE: Final = query("import_parts_before")
_BEFORE_SITE: Final = query("import_parts_before_site")
_OF: Final = query("import_parts_of")
_COLUMNS: Final = (
    "import_id",
    "post_id",
    "day",
    "counts",
    "first_at",
    "last_at",
    "first_at_authenticated",
    "last_at_authenticated",
    "breakdowns",
    "sketch",
    "sketch_authenticated",
)


async def note_parts(connection: Connection, import_id: str, parts: Sequence[Part]) -> None:
    """Keep what an import is about to add, and what its rows were before their first import.

    The caller holds the days' locks, and has not added it yet.
    """
    await connection.execute(_BEFORE, *rows_of(parts))
    await connection.execute(_BEFORE_SITE, [part.day for part in parts if part.post_id == SITE_EVENTS])
    records = []
    for place, part in enumerate(parts):
        if place % MERGED_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
        records.append(
            (import_id, part.post_id, part.day, part.counts, *part.times, tally.encode(part.breakdowns), *part.sketches)
        )
    await connection.copy_records("import_parts", records, _COLUMNS)


def rows_of(parts: Iterable[Part]) -> tuple[list[int], list[dt.date]]:
    """Return which rows an import changes, as two columns: what a content has the site has, too."""
    keys = {(post_id, part.day) for part in parts for post_id in {part.post_id, min(part.post_id, SITE)}}
    return [post_id for post_id, _ in keys], [day for _, day in keys]


async def parts_of(connection: Connection, import_id: str) -> list[Part]:
    """Return what an import added, in the order of days. Raises StoreUnavailable."""
    found = await connection.fetch(_OF, import_id)
    parts = []
    for place, row in enumerate(found):
        if place % MERGED_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
        parts.append(part_of(row))
    return parts


def counter_parts(posts: Sums, site: Mapping[dt.date, Sum]) -> list[Part]:
    """Return the parts of an import of counters."""
    sums = posts | {(SITE, day): one for day, one in site.items()}
    return [_of_sum(post_id, day, one) for (post_id, day), one in sums.items()]


def _of_sum(post_id: int, day: dt.date, one: Sum) -> Part:
    spans = (one.span, one.span_signed)
    first, last, first_signed, last_signed = (pick(span) if span else None for span in spans for pick in (min, max))
    times: Times = (first, last, first_signed, last_signed)
    return Part(post_id, day, [*one.views, *one.viewers], one.breakdowns, times)
