"""Tables that leave as files, and history that comes in."""

from __future__ import annotations

from typing import Final, get_args

from vts.capture.http.limits import Limits
from vts.query.export.stored_tables import TABLES
from vts.query.export.table import FORMATS, Format
from vts.store.facts.history_import import Kind
from vts.web.openapi.builders import (
    COUNT,
    DATE,
    FLAG,
    JSON,
    SIGNED,
    TEXT,
    Json,
    Paths,
    answer,
    array,
    body,
    obj,
    operation,
    query,
    ref,
    words,
)
from vts.web.openapi.catalog import SERVICE, rows_of
from vts.web.openapi.errors import refusal
from vts.web.table_answers import MEDIA_TYPES

TAG: Final = "Tables and history"

FORMAT_QUERY: Final = query("format", words(*FORMATS, default="json"), "What the answer, or its table, is written as.")
BOM_QUERY: Final = query(
    "bom", words("0", "1", default="0"), "Put a byte order mark before a CSV; some spreadsheets need it."
)
_ROWS: Final = array({"type": "object"}, description="The rows of a table.")
_KINDS: Final[dict[Format, str]] = {
    "csv": "A header line, then a line for each row; cells that a spreadsheet would run begin with an apostrophe.",
    "ndjson": "An object on each line.",
    "xlsx": "One sheet of at most 1,048,575 rows, its header frozen.",
    "parquet": "Typed columns.",
}
_DAILY_EXAMPLE: Final = {"post_id": 42, "day": "2025-01-31", "views": 12, "breakdowns": {"country": {"BR": 3}}}
_SITE_EXAMPLE: Final = {"day": "2025-01-31", "views": 12, "unique_viewers": 7}
_VIEWS_EXAMPLE: Final = {
    "post_id": 42,
    "event_id": "3f2c9d64-7a1b-4e0d-9c58-6b2f8e41a7d3",
    "created_at": "2025-01-31T12:00:00Z",
    "user_id": 7,
}
_SITE_STATS: Final[tuple[str, str, str, Json]] = (
    "SiteStatsRow",
    "Import the site's page views and events of days",
    "An exported `site_stats_daily` is such a body.",
    {"day": "2025-01-31", "page_views": 120, "unique_visitors": 40, "breakdowns": {"page": {"/recent": 30}}},
)
_SITE_EVENTS: Final[tuple[str, str, Json]] = (
    "Import page views and host events with their own times",
    "Those of the raw days are stored with their day, older ones are added to the counters of theirs. Each event id "
    "counts once.",
    {"page_path": "/recent", "created_at": "2025-01-31T12:00:00Z", "client_ip": "192.0.2.7"},
)
_PLAYBACK: Final[tuple[str, str, Json]] = (
    "Import playback events with their own times",
    "Those of the raw days are stored with their day, older ones in `imported_playback_events`. "
    "Each event id counts once.",
    {"stream_id": "stream:7", "client_id": "a", "type": "play", "created_at": "2025-01-31T12:00:00Z"},
)
_HISTORY: Final[tuple[str, str, Json]] = (
    "Import who watched what",
    "Exactly one of `channel_id`, `vod_movie_id`, `vod_series_id` and `ref` names it. A row of the same user, content "
    "and start that is there is a duplicate.",
    {"user_id": 7, "channel_id": 3, "started_at": "2025-01-31T12:00:00Z", "duration_seconds": 60, "completed": True},
)
_PROVIDER: Final[tuple[str, str, Json]] = (
    "Import what the provider of a stream counts",
    "One row for a provider, stream and day; the newest import of it counts.",
    {"provider": "bunny", "stream_id": "stream:7", "day": "2025-01-31", "views": 12, "total_watch_seconds": 900},
)
_IMPORT: Final = [
    query(
        "import_id",
        {"type": "string", "pattern": "^[!-~]{1,200}$"},
        "An import is applied once. Its id is this, or `Idempotency-Key`, or the SHA-256 of the body.",
    ),
    {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": TEXT,
        "description": "The same, where there is no `import_id`.",
    },
]


def files(as_json: Json) -> dict[str, Json]:
    """Describe an answer that is JSON or one of its tables in any of the formats."""
    return {JSON: {"anyOf": [as_json, _ROWS]}} | _as_files()


def _as_files() -> dict[str, Json]:
    media = {form: MEDIA_TYPES[form].partition(";")[0] for form in FORMATS if form != "json"}
    return {
        kind: {"type": "string", "contentMediaType": kind, "description": _KINDS[form]} for form, kind in media.items()
    }


def paths(limits: Limits) -> Paths:
    """Return the operations of exports and imports."""
    return {
        "/api/export": {"get": _list()},
        "/api/export/{name}": {"get": _table()},
        "/api/import/daily": {"post": _daily(limits.bulk_rows_max)},
        "/api/import/site": {"post": _site(limits.bulk_rows_max)},
        "/api/import/views": {"post": _views(limits.import_views_max)},
        "/api/import/site-stats": {"post": _counters(limits.bulk_rows_max, *_SITE_STATS)},
        "/api/import/site-events": {"post": _rows("ImportedSiteEvent", *_SITE_EVENTS, limits.import_views_max)},
        "/api/import/playback": {"post": _rows("ImportedPlayback", *_PLAYBACK, limits.import_views_max)},
        "/api/import/viewing-history": {"post": _rows("HistoryRow", *_HISTORY, limits.bulk_rows_max)},
        "/api/import/provider-stats": {"post": _rows("ProviderRow", *_PROVIDER, limits.bulk_rows_max, conflicts=False)},
        "/api/import/{import_id}": {"delete": _undo()},
    }


def _undo() -> Json:
    name = {"name": "import_id", "in": "path", "required": True, "schema": TEXT, "description": "As it was applied."}
    kind = words(*get_args(Kind))
    done = obj(
        {
            "import_id": TEXT,
            "kind": kind,
            "rows": COUNT,
            "views": COUNT,
            "site_views": COUNT,
            "page_views": COUNT,
            "days": COUNT,
        }
    )
    return operation(
        TAG,
        "Undo an import",
        {
            200: answer("What was taken out.", {JSON: done}),
            409: refusal(409, "`not_recorded`: an earlier version applied it, and did not keep what it added."),
        },
        errors=(400, 401, 403, 404, 405),
        about="Takes out what the import added and nothing else, in one transaction. `rows` were imported; `views` "
        "were those of contents, `site_views` those of the site's own rows. Afterwards the id may be used again.",
        parameters=[name],
        security=SERVICE,
    )


def _list() -> Json:
    listed = obj({"tables": array(words(*TABLES)), "formats": array(words(*FORMATS))})
    return operation(
        TAG,
        "List the tables",
        {200: answer("What may be exported.", {JSON: listed})},
        errors=(401, 403, 405),
        about="For moderators, owners of the site and services.",
        security=SIGNED,
    )


def _table() -> Json:
    name = {"name": "name", "in": "path", "required": True, "schema": words(*TABLES), "description": "The table."}
    days = [query("from", DATE, "First UTC day; open unless given."), query("to", DATE, "Last UTC day; open likewise.")]
    return operation(
        TAG,
        "Export a table",
        {
            200: answer("The whole table in one snapshot, streamed.", {JSON: _ROWS} | _as_files()),
            503: refusal(503, "`busy`: four exports run at a time; or the database does not answer."),
        },
        errors=(400, 401, 403, 404, 405),
        about="For moderators, owners of the site and services. Reading rows about single people is noted in "
        "`audit_log` first. A transfer that breaks off has no end and is never a whole file.",
        parameters=[name, FORMAT_QUERY, BOM_QUERY, *days],
        security=SIGNED,
    )


def _conflict() -> Json:
    return refusal(409, "`import_id_used`: for other rows. `day_open`: the day still has raw rows; try in an hour.")


def _daily(most: int) -> Json:
    return _counters(
        most,
        "DailyRow",
        "Import counters of days",
        "An exported `post_stats_daily` is such a body.",
        _DAILY_EXAMPLE,
    )


def _site(most: int) -> Json:
    return _counters(
        most,
        "SiteRow",
        "Import the site's counters of days",
        "An exported `site_views_daily` is such a body. Rows of contents tell of the same views: for a day of the site "
        "the larger of their sum and of its own rows counts.",
        _SITE_EXAMPLE,
    )


def _counters(most: int, row: str, summary: str, source: str, example: Json) -> Json:
    rows = rows_of(row)
    rows[JSON] = rows[JSON] | {"x-example": example}
    text: Json = {"type": "string", "contentMediaType": "text/csv", "description": "With a header line."}
    done = answer("Applied, or applied before.", {JSON: obj({"import_id": TEXT, "imported": COUNT, "repeated": FLAG})})
    return operation(
        TAG,
        summary,
        {200: done, 409: _conflict()},
        errors=(400, 401, 403, 405, 415),
        about=f"At most {most} rows of days that are no longer kept raw, also gzipped. {source} A bad row is "
        "named by its index and nothing is applied.",
        parameters=_IMPORT,
        sent=body(rows | {"text/csv": text}),
        security=SERVICE,
    )


def _rows(row: str, summary: str, about: str, example: Json, most: int, *, conflicts: bool = True) -> Json:
    rows = rows_of(row)
    rows[JSON] = rows[JSON] | {"x-example": example}
    text: Json = {"type": "string", "contentMediaType": "text/csv", "description": "With a header line."}
    told = {"import_id": TEXT, "imported": COUNT, "repeated": FLAG} | ({"duplicates": COUNT} if conflicts else {})
    return operation(
        TAG,
        summary,
        {200: answer("Applied, or applied before.", {JSON: obj(told)}), 409: _conflict()},
        errors=(400, 401, 403, 405, 415),
        about=f"At most {most} rows, also gzipped. {about} A bad row is named by its index and nothing is applied.",
        parameters=_IMPORT,
        sent=body(rows | {"text/csv": text}),
        security=SERVICE,
    )


def _views(most: int) -> Json:
    rows = rows_of("ImportedView")
    rows[JSON] = rows[JSON] | {"x-example": _VIEWS_EXAMPLE}
    text: Json = {"type": "string", "contentMediaType": "text/csv", "description": "With a header line."}
    told = {"import_id": TEXT, "accepted": COUNT, "merged": COUNT, "repeated": FLAG, "dropped": ref("Dropped")}
    return operation(
        TAG,
        "Import views with their own times",
        {202: answer("Durable.", {JSON: obj(told)}), 409: _conflict()},
        errors=(400, 401, 403, 405, 415),
        about=f"At most {most}, also gzipped. Views of the raw days are stored with their day; older ones, "
        "which need an `event_id`, are added to the counters of theirs.",
        parameters=_IMPORT,
        sent=body(rows | {"text/csv": text}),
        security=SERVICE,
    )
