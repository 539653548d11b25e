"""Reads the UTC hours of daily rows: of the days of a range, and of those beside it, which share its hours."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from vts.model.day import FIRST_DAY, date_of, day_of_date
from vts.model.tally import Pair
from vts.query.zone_days import HourRow
from vts.store.session.pool import Readers

Counted = Literal["post", "artist", "page_views"]
"""Views of a content (0: of the site), views of an artist's contents, page views of the site (of no name: 0)."""

_READ: Final = """
SELECT day, {total}, {total}_authenticated, (breakdowns->'hour_utc')::text
FROM {table} WHERE {key} = $1 AND day BETWEEN $2 AND $3
"""
_STATEMENTS: Final[dict[Counted, str]] = {
    "post": _READ.format(total="total_views", table="post_stats_daily", key="post_id"),
    "artist": _READ.format(total="total_views", table="artist_stats_daily", key="owner_id"),
    "page_views": _READ.format(total="page_views", table="site_stats_daily", key="0::bigint"),
}
_decode: Final = msgspec.json.Decoder(dict[str, Pair]).decode


async def hour_rows(readers: Readers, counted: Counted, name: int, first: int, last: int) -> list[HourRow]:
    """Read the hours that dates of any zone may have; the range is one of dates. Raises StoreUnavailable."""
    rows = await readers.fetch(_STATEMENTS[counted], name, date_of(max(FIRST_DAY, first - 1)), date_of(last + 1))
    return [HourRow(day_of_date(row[0]), [row[1], row[2]], _decode(row[3] or "{}")) for row in rows]
