"""A day counted anew from its raw rows, into temporary tables of one session. Changes nothing that other sessions see.

Counts are PostgreSQL's work, in slices of contents that fit into memory there; sketches are made here, out of viewers
that come page by page. No transaction spans it, so no vacuum waits for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import trio

from vts.model.day import date_of
from vts.model.site_tally import ERROR_DIMENSION, PAGE_DIMENSIONS
from vts.model.tally import BOUNDLESS, DIMENSIONS, OTHER, VALUES_KEPT
from vts.rollup.sketching import BITE, Piece, Sketcher
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

SLICE_VIEWS: Final = 400_000  # counts of so many views fit into WORK_MEM
WORK_MEM: Final = "64MB"
PIECES_FROM_VIEWS: Final = 2_000  # a content with more comes in up to 256 pieces
PAGE: Final = 100  # pieces; a piece of a content with a million viewers has 32 KB
SKETCHES_AT_ONCE: Final = 500  # 8 MB when all are full
REST_S: Final = 0.001  # after every bite: half of the loop's time stays with those who wait for answers

VISIT_DIMENSIONS: Final = (*PAGE_DIMENSIONS, ERROR_DIMENSION)
VISIT_BOUNDLESS: Final = ("page", "country", "referrer", ERROR_DIMENSION)
FOLDED: Final = ("country", *BOUNDLESS)  # an open day keeps all countries, a closed one the 100 largest

OnProgress = Callable[[float], None]
"""Called with how much of the day is done, 0 to 1."""

# Statements of clients that have disconnected are ended by the server, where its system can notice that.
_SESSION: Final = f"""
SET work_mem = '{WORK_MEM}';
DO $$ BEGIN
    PERFORM set_config('client_connection_check_interval', '2s', false);
EXCEPTION WHEN invalid_parameter_value THEN NULL;
END $$
"""
_TABLES: Final = query("roll_tables")
_AUTHORS: Final = query("roll_authors", by_author=query("roll_by_author"))
_TOTALS: Final = query("roll_totals")
_TOTALS_WHOLE: Final = query("roll_totals_whole")
_ANALYZE: Final = "ANALYZE roll_authors; ANALYZE roll_totals"
_VISITS: Final = query("roll_visits")
_VIEWERS: Final = query("roll_viewers")
_VISITORS: Final = query("roll_visitors")
_PAGE: Final = query("roll_page")
_FOUND: Final = query("roll_found")
_SKETCH_COLUMNS: Final = ("kind", "id", "viewers", "viewers_authenticated", "sketch", "sketch_authenticated")


def _breakdowns(kind: str, counted: str, kept: str = "") -> str:
    """Return the statement that writes the breakdowns of what the query `counted` counts."""
    return query(
        "roll_breakdowns",
        counted=query(counted),
        kept=query(kept) if kept else "",
        kind=kind,
        other=OTHER,
        values_kept=str(VALUES_KEPT),
    )


_OF_POSTS: Final = _breakdowns("post", "roll_counts", "roll_counts_kept")
_OF_SITE: Final = _breakdowns("post", "roll_counts_whole")
_OF_ARTISTS: Final = _breakdowns("artist", "roll_counts_artists")
_OF_VISITS: Final = _breakdowns("visits", "roll_counts_visits")


class Recounted(NamedTuple):
    """What the raw rows of a day give: views that count, views of authors that do not, events of the site."""

    views: int
    left_out: int
    events: int


async def prepare(connection: Connection) -> None:
    """Set up a session for recounting."""
    await connection.execute(_SESSION)


async def recount(connection: Connection, day: int, on_progress: OnProgress = lambda _: None) -> Recounted:
    """Fill the temporary tables with the day. Raises StoreUnavailable."""
    date = date_of(day)
    await connection.execute(_TABLES)
    await connection.execute(_AUTHORS, date)
    on_progress(0.05)
    await connection.execute(_TOTALS, date)
    await connection.execute(_TOTALS_WHOLE)
    await connection.execute(_ANALYZE)
    await connection.execute(_VISITS, date)
    found = Recounted(*await connection.fetchrow(_FOUND))  # type: ignore[misc]
    on_progress(0.1)
    await _break_down(connection, day, found, on_progress)
    await connection.execute(_VIEWERS, date, PIECES_FROM_VIEWS)
    await connection.execute(_VISITORS, date)
    on_progress(0.7)
    await _sketch(connection, found, on_progress)
    return found


async def _break_down(connection: Connection, day: int, found: Recounted, on_progress: OnProgress) -> None:
    names, folded = list(DIMENSIONS), [DIMENSIONS.index(name) for name in FOLDED]
    slices = math.ceil(found.views / SLICE_VIEWS)
    for part in range(slices):
        await connection.execute(_OF_POSTS, names, folded, date_of(day), slices, part)
        on_progress(0.1 + 0.4 * (part + 1) / slices)
    await connection.execute(_OF_SITE, names, folded)
    for part in range(slices):
        await connection.execute(_OF_ARTISTS, names, folded, slices, part)
    names, folded = list(VISIT_DIMENSIONS), [VISIT_DIMENSIONS.index(name) for name in VISIT_BOUNDLESS]
    await connection.execute(_OF_VISITS, names, folded, date_of(day))


async def _sketch(connection: Connection, found: Recounted, on_progress: OnProgress) -> None:
    sketcher, place, viewers = Sketcher(), 0, 0
    while rows := await connection.fetch(_PAGE, place, PAGE):
        place = rows[-1][0]
        bite = 0
        for row in rows:
            for step in sketcher.take(Piece(*row[1:])):
                bite += step
                if bite >= BITE:
                    viewers, bite = viewers + bite, 0
                    await trio.sleep(REST_S)
        viewers += bite
        if len(sketcher.done) >= SKETCHES_AT_ONCE:
            await _write(connection, sketcher)
        on_progress(0.7 + 0.25 * min(1.0, viewers / (found.views + found.events or 1)))
    sketcher.finish()
    await _write(connection, sketcher)


async def _write(connection: Connection, sketcher: Sketcher) -> None:
    rows, sketcher.done = sketcher.done, []
    await connection.copy_records("roll_sketches", rows, _SKETCH_COLUMNS)
