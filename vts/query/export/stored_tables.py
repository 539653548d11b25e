"""The stored tables that may be exported: their columns, and how they are read row by row.

Sketches and credentials are not exported: a sketch has no use outside, and a credential is secret.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

import trio

from vts.model.faults import StoreUnavailable
from vts.model.reference import HASHED_MAX, HASHED_MIN
from vts.model.tally import SITE
from vts.query.export.breakdown_texts import BREAKDOWNS, with_texts
from vts.query.export.table import Block, CellType, Column, Table, block_rows
from vts.query.naming import REFS
from vts.store.facts.audit import AUDITED_NUMBER
from vts.store.session.connection import Connection

DEADLINE_S: Final = 600.0  # a snapshot that lives longer holds back vacuum, and retention waits for its locks
COMMAND_TIMEOUT_S: Final = 60.0  # the first rows may have to be sorted
REST: Final = 1.0  # of the time that a block took: at most half of the event loop is an export's

_SNAPSHOT: Final = "ISOLATION LEVEL REPEATABLE READ, READ ONLY"

Connect = Callable[[], Awaitable[Connection]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A table of the database. `when` is the column of `from` and `to`; `personal`: rows speak of single people.

    `source` is what it is read from where that has another name, `only` which of its rows.
    """

    columns: tuple[Column, ...]
    when: str
    order: str = ""
    personal: bool = False
    source: str = ""
    only: str = "true"


def _columns(*lines: str) -> tuple[Column, ...]:
    """Read columns written as `name:kind`, in their order. Beside each column of ids comes one of their texts."""
    made = []
    for word in " ".join(lines).split():
        name, _, kind = word.partition(":")
        made.append(Column(name, cast(CellType, kind), kind == "json"))
        if name in REFS:
            made.append(Column(REFS[name], "text"))
    return tuple(made)


def _daily(*keys: str) -> tuple[Column, ...]:
    return _columns(
        *(f"{key}:integer" for key in keys),
        "day:day total_views:integer total_views_authenticated:integer unique_viewers:integer",
        "unique_viewers_authenticated:integer unique_viewers_imported:integer",
        "unique_viewers_imported_authenticated:integer first_view_at:time last_view_at:time",
        "first_view_at_authenticated:time last_view_at_authenticated:time rolled_at:time breakdowns:json",
    )


TABLES: Final[dict[str, Stored]] = {
    "view_events": Stored(
        columns=_columns(
            "event_day:day created_at:time post_id:integer event_id:uuid viewer_key:bytes key_version:integer",
            "viewer_user_id:integer authenticated:flag country_code:text device_type:text view_source:text",
            "view_type:text user_agent_hash:bytes referrer_domain:text player_key:uuid local_datetime:local_time",
            "local_timezone:text local_hour:integer local_weekday:integer play_order:integer channel:text",
            "channel_context:text playlist_id:integer once:flag",
        ),
        when="event_day",
        personal=True,
    ),
    "post_stats_daily": Stored(columns=_daily("post_id"), when="day", order="post_id, day", only=f"post_id <> {SITE}"),
    "site_views_daily": Stored(
        columns=_daily(), when="day", order="day", source="post_stats_daily", only=f"post_id = {SITE}"
    ),
    "artist_stats_daily": Stored(columns=_daily("owner_id"), when="day", order="owner_id, day"),
    "site_stats_daily": Stored(
        columns=_columns(
            "day:day page_views:integer page_views_authenticated:integer unique_visitors:integer",
            "unique_visitors_authenticated:integer signups:integer signups_authenticated:integer uploads:integer",
            "uploads_authenticated:integer api_calls:integer api_calls_authenticated:integer errors:integer",
            "errors_authenticated:integer unique_visitors_imported:integer",
            "unique_visitors_imported_authenticated:integer rolled_at:time breakdowns:json",
        ),
        when="day",
        order="day",
    ),
    "visit_stats_daily": Stored(
        columns=_columns(
            "day:day visits:integer visits_authenticated:integer page_views:integer page_views_authenticated:integer",
            "duration_ms:integer duration_ms_authenticated:integer bounces:integer bounces_authenticated:integer",
            "computed_at:time",
        ),
        when="day",
        order="day",
    ),
    "site_events": Stored(
        columns=_columns(
            "event_day:day created_at:time event_type:text event_id:uuid viewer_key:bytes key_version:integer",
            "viewer_user_id:integer authenticated:flag page:text error_type:text country_code:text device_type:text",
            "referrer_domain:text user_agent_hash:bytes event_data:json",
        ),
        when="event_day",
        personal=True,
    ),
    "playback_events": Stored(
        columns=_columns(
            "event_day:day created_at:time stream_id:integer event_id:uuid client_key:bytes key_version:integer",
            "event_type:text video_time:number device_type:text country_code:text referrer_domain:text extra:json",
        ),
        when="event_day",
        personal=True,
    ),
    "imported_playback_events": Stored(
        columns=_columns(
            "event_day:day created_at:time stream_id:integer event_id:uuid client_key:bytes key_version:integer",
            "event_type:text video_time:number device_type:text country_code:text referrer_domain:text extra:json",
            "import_id:text",
        ),
        when="event_day",
        personal=True,
    ),
    "viewing_history": Stored(
        columns=_columns(
            "id:integer user_id:integer post_id:integer started_at:time ended_at:time duration_seconds:number",
            "position_seconds:number completed:flag stream_url:text import_id:text",
        ),
        when="started_at",
        order="id",
        personal=True,
    ),
    "provider_stats": Stored(
        columns=_columns(
            "provider:text stream_id:integer day:day views:integer unique_viewers:integer total_watch_seconds:number",
            "avg_watch_seconds:number peak_concurrent_viewers:integer buffer_seconds:number buffer_ratio:number",
            "error_rate:number bandwidth_bytes:integer top_countries:json device_breakdown:json import_id:text",
            "imported_at:time",
        ),
        when="day",
        order="provider, stream_id, day, imported_at",
    ),
    "content": Stored(
        columns=_columns(
            "post_id:integer kind:text owner_id:integer title:text category:text hashtags:json visibility:text",
            "created_at:time registered_at:time deleted:flag provisional:flag",
        ),
        when="registered_at",
        order="post_id",
    ),
    "players": Stored(
        columns=_columns("player_key:uuid owner_id:integer name:text registered:flag country:text registered_at:time"),
        when="registered_at",
        order="player_key",
    ),
    "player_presence": Stored(
        columns=_columns(
            "player_key:uuid seen_at:time active_at:time offline_at:time online_since:time last_view_at:time",
            "status_at:time current_post_id:integer firmware_version:text",
        ),
        when="seen_at",
        order="player_key",
    ),
    "reactions": Stored(
        columns=_columns("post_id:integer user_id:integer emoji:text authenticated:flag created_at:time"),
        when="created_at",
        order="post_id, user_id, emoji",
        personal=True,
    ),
    "visitor_reactions": Stored(
        columns=_columns("post_id:integer viewer_key:bytes key_version:integer emoji:text created_at:time"),
        when="created_at",
        order="post_id, viewer_key, emoji",
        personal=True,
    ),
    "comments": Stored(
        columns=_columns("post_id:integer comment_id:integer user_id:integer created_at:time"),
        when="created_at",
        order="post_id, comment_id",
        personal=True,
    ),
    "imports": Stored(
        columns=_columns("import_id:text kind:text imported_at:time imported:integer recorded:flag"),
        when="imported_at",
        order="imported_at, import_id",
    ),
    "sessions": Stored(
        columns=_columns(
            "id:bytes user_id:integer roles:json origin:text device_type:text began_at:time expires_at:time",
            "ended_at:time",
        ),
        when="began_at",
        order="began_at, id",
        personal=True,
    ),
    "share_links": Stored(
        columns=_columns(
            "id:integer kind:text subject:integer shared_ref:text made_by:integer made_by_ref:text",
            "by_owner:flag note:text made_at:time expires_at:time revoked_at:time",
        ),
        when="made_at",
        order="id",
        personal=True,
    ),
    "dead_letters": Stored(
        columns=_columns("journal_id:uuid seq:integer index:integer reason:text body:json created_at:time"),
        when="created_at",
        order="created_at",
        personal=True,
    ),
    "audit_log": Stored(
        columns=_columns(
            "id:integer at:time actor:text actor_ref:text action:text subject:text subject_ref:text", "detail:json"
        ),
        when="at",
        order="id",
        personal=True,
    ),
}

# A sketch may estimate a little more viewers than there were views, which an import would refuse as a contradiction.
_VIEWERS: Final = "LEAST(unique_viewers, GREATEST(total_views - unique_viewers_imported, 0))"
_TEXT: Final = "(SELECT text FROM reference_texts WHERE number = {})"
# A scalar query, not a join: rows keep the order of an index, so the first of a large table come at once. Numbers that
# stand for no text are not looked up.
_EXPRESSIONS: Final = {
    **{
        ref: f"CASE WHEN {name} BETWEEN {HASHED_MIN} AND {HASHED_MAX} THEN {_TEXT.format(name)} END"
        for name, ref in REFS.items()
    },
    **{f"{name}_ref": _TEXT.format(AUDITED_NUMBER.format(name)) for name in ("actor", "subject")},
    **{
        ref: f"CASE WHEN {name} BETWEEN {HASHED_MIN} AND {HASHED_MAX} THEN {_TEXT.format(name)} END"
        for name, ref in (("subject", "shared_ref"), ("made_by", "made_by_ref"))
    },
    "hashtags": "to_json(hashtags)",
    "roles": "to_json(roles)",
}
_OF_VIEWS: Final = {
    "unique_viewers": _VIEWERS,
    "unique_viewers_authenticated": "LEAST(unique_viewers_authenticated,"
    " GREATEST(total_views_authenticated - unique_viewers_imported_authenticated, 0),"
    f" {_VIEWERS} + unique_viewers_imported - unique_viewers_imported_authenticated)",
}


def stored(connect: Connect, name: str, first: dt.date | None, last: dt.date | None) -> Table:
    """Return a table of `TABLES`, its days from `first` to `last` inclusive; None leaves a side open.

    All rows are of one snapshot. Reading raises StoreUnavailable, also after `DEADLINE_S`.
    """
    table = TABLES[name]
    return Table(name, table.columns, _blocks(connect, _query(name, table, first, last), table.columns))


def stored_where(connect: Connect, name: str, condition: str) -> Table:
    """Return the rows of a table of `TABLES` for which a condition of ours holds; otherwise as `stored`."""
    table = TABLES[name]
    query = _query(name, table, None, None, condition)
    return Table(name, table.columns, _blocks(connect, query, table.columns))


def _query(name: str, table: Stored, first: dt.date | None, last: dt.date | None, condition: str = "true") -> str:
    conditions = [f"({condition})", table.only]
    if first is not None:
        conditions.append(f"{table.when} >= DATE '{first.isoformat()}'")
    if last is not None:
        conditions.append(f"{table.when} < DATE '{last.isoformat()}' + 1")
    names = [column.name for column in table.columns]
    expressions = _EXPRESSIONS | (_OF_VIEWS if "total_views" in names else {})
    columns = ", ".join(expressions.get(column, column) for column in names)
    order = f" ORDER BY {table.order}" if table.order else ""
    return f"SELECT {columns} FROM {table.source or name} WHERE {' AND '.join(conditions)}{order}"  # noqa: S608 -- names of ours


async def _blocks(connect: Connect, query: str, columns: Sequence[Column]) -> AsyncGenerator[Block, None]:
    """Read through a cursor of the server, in a session that goes when the reader does."""
    give_up_s = trio.current_time() + DEADLINE_S
    fetch = f"FETCH {block_rows(columns)} FROM export"
    nested = next((place for place, column in enumerate(columns) if column.name == BREAKDOWNS), None)
    connection = await connect()
    try:
        await connection.execute(f"BEGIN {_SNAPSHOT}")
        await connection.execute(f"DECLARE export NO SCROLL CURSOR FOR {query}")
        while block := await connection.fetch(fetch):
            begun_s = trio.current_time()
            yield block if nested is None else await with_texts(connection, block, nested)
            if trio.current_time() > give_up_s:
                raise StoreUnavailable(f"the export took longer than {DEADLINE_S:g} s")
            await trio.sleep(min(trio.current_time() - begun_s, 0.01) * REST)
    finally:
        await connection.close()
