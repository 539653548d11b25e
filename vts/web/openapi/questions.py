"""The routes that ask for statistics: of one content, one artist, the site."""

from __future__ import annotations

from typing import Final

from vts.model.content import KINDS
from vts.model.view import VIEW_TYPES
from vts.query import artist_posts, counts, shape, top, value_trend
from vts.query.artist_posts import SORT_DEFAULT, SORTS
from vts.query.ranges import DAYS_DEFAULT, DAYS_MAX
from vts.web.openapi.builders import (
    CONTENT,
    COUNT,
    DATE,
    JSON,
    NAMED,
    OPTIONAL,
    SECONDS,
    SIGNED,
    TEXT,
    USER,
    Json,
    Paths,
    answer,
    array,
    obj,
    operation,
    or_null,
    path_id,
    query,
    ref,
    words,
)
from vts.web.openapi.files import BOM_QUERY, FORMAT_QUERY, files

STATISTICS: Final = "Statistics"
SITE: Final = "Site"

_DAYS: Final[list[Json]] = [
    query(
        "days",
        {"type": "integer", "minimum": 1, "maximum": DAYS_MAX, "default": DAYS_DEFAULT},
        "So many UTC days, today included. Not together with `from` and `to`.",
    ),
    query("from", DATE, f"First UTC day; {DAYS_DEFAULT - 1} days before `to` unless given."),
    query("to", DATE, "Last UTC day; today unless given, and never later."),
]
_ZONE: Final = query(
    "tz",
    TEXT,
    "An IANA time zone, like `Europe/Berlin`: the days are its dates. `tz_inexact` names what is of UTC days even so. "
    "Unless it is given, the days are UTC days, of the whole site those of `site.timezone`.",
)
_VALUE: Final = query(
    "trend_of",
    TEXT,
    "A value of a breakdown, like `country:BR`: the answer has its days as `value_trend`, with 0 on days on which "
    f"it was none of the 100 largest. Breakdowns: {', '.join(value_trend.OF_VIEWS)}; of the whole site "
    f"{', '.join(value_trend.OF_SITE)}.",
)
_OF_DAYS: Final = [_ZONE, _VALUE]
_REFRESH: Final = query(
    "refresh", TEXT, "Without effect, for clients of replaced systems: every answer is computed anew."
)
_TABLE: Final = query("table", TEXT, "One list or breakdown of the answer, like `daily_views` or `country`.")
_LIMIT: Final = query(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": shape.LIMIT_MAX, "default": shape.LIMIT_DEFAULT},
    "How long top lists are.",
)
_ERRORS: Final = (400, 401, 403, 405)

_BEHIND: Final = SECONDS | {
    "description": "Only while the database is known to lack views: acknowledged by this process and not stored within "
    "200 ms, or, after a failover to an older copy, counted before."
}
_BY_TYPE: Final = obj(
    dict.fromkeys(VIEW_TYPES, COUNT),
    description="Listing views are impressions. Imported counters may have no types: the sum may be below `views`.",
)
_PUBLIC: Final = "Any origin may ask; a token is not needed, but one that is shown must be good."
_UNCHANGED: Final = answer("The same as what `If-None-Match` names.")
_DECIDED: Final[Json] = {
    "type": "string",
    "contentMediaType": "text/event-stream",
    "description": 'An event is `{"missed":n,"events":[{"at","source","outcome","event_type","post_id","country",'
    '"device","detail"}]}`; it is empty after 5 s without any.',
}


def paths() -> Paths:
    """Return the operations that ask."""
    return _of_contents() | _top() | _of_artists() | _of_the_site()


def _of_contents() -> Paths:
    kept = {"ETag": {"schema": TEXT}, "Cache-Control": {"schema": words("private, no-cache")}}
    counted = {"post_id": NAMED, "views": COUNT, "views_by_type": _BY_TYPE}
    one = answer("Views of all time.", {JSON: obj(counted | {"lag_seconds": _BEHIND}, ("lag_seconds",))}, headers=kept)
    rows = array(obj({name: schema if name == "post_id" else or_null(schema) for name, schema in counted.items()}))
    many = {"counts": rows | {"description": "In the order asked."}, "lag_seconds": _BEHIND}
    refs = query(
        "ref",
        array(CONTENT, minItems=1, maxItems=counts.REFS_MAX),
        "The contents, each as `ref=` of its own.",
        required=True,
        style="form",
        explode=True,
    )
    about = f"{_PUBLIC} Private contents are counted for their owner, moderators, owners of the site and services. "
    return {
        "/api/post/{post_id}/count": {
            "get": operation(
                STATISTICS,
                "Count the views of a content",
                {200: one, 304: _UNCHANGED},
                errors=(400, 401, 404, 405),
                about=about.strip(),
                parameters=[path_id("post_id", "The content.")],
                security=OPTIONAL,
            )
        },
        "/api/counts": {
            "get": operation(
                STATISTICS,
                "Count the views of many contents",
                {200: answer("Views of all time of each.", {JSON: obj(many, ("lag_seconds",))}, headers=kept)}
                | {304: _UNCHANGED},
                errors=(400, 401, 405),
                about=about + "`null` stands for a content that is unknown, deleted, or private and not the asker's.",
                parameters=[refs],
                security=OPTIONAL,
            )
        },
        "/api/post/{post_id}/stats": {
            "get": _asked(
                "Statistics of one content",
                "PostStats",
                "For its owner.",
                "post_id",
                "The content.",
                more=[*_OF_DAYS, _REFRESH],
            )
        },
    }


def _top() -> Paths:
    listed = [
        *_DAYS,
        query("by", words(*top.BYS, default=top.BY_DEFAULT), "What is ranked by; `trend` is the gain of views."),
        query("kind", words(*KINDS), "Contents of this kind."),
        query("category", TEXT, "Contents of this category."),
        query("hashtag", TEXT, "Contents with this hashtag, written as it was described."),
        query("owner", USER, "Contents of this user."),
        _LIMIT,
        FORMAT_QUERY,
        BOM_QUERY,
        _TABLE,
    ]
    return {
        "/api/top": {
            "get": operation(
                STATISTICS,
                "List the most viewed contents",
                {200: answer("The contents that were viewed, or a table of them.", files(ref("Top"))), 304: _UNCHANGED},
                errors=(400, 401, 405),
                about=f"{_PUBLIC} Private contents are listed for their owner, moderators, owners of the site and "
                "services; deleted ones never. Ties are in the order of `post_id`.",
                parameters=listed,
                security=OPTIONAL,
            )
        }
    }


def _of_artists() -> Paths:
    number = {"type": "integer", "minimum": 0, "maximum": artist_posts.OFFSET_MAX, "default": 0}
    most = {"type": "integer", "minimum": 1, "maximum": artist_posts.LIMIT_MAX, "default": artist_posts.LIMIT_DEFAULT}
    page = [
        query("sort", words(*SORTS, default=SORT_DEFAULT), "With a minus the largest first."),
        query("limit", most, "How many contents."),
        query("offset", number, "How many to pass over."),
    ]
    few = {"type": "integer", "minimum": 0, "maximum": artist_posts.POSTS_MAX, "default": 0}
    shown = query("posts", few, "List so many contents in `posts`, the most viewed of the range first.")
    whose = ("user_id", "The artist. A user without contents has zeros.")
    return {
        "/api/user/{user_id}/artist-stats": {
            "get": _asked("Statistics of an artist", "ArtistStats", "For the artist.", *whose, more=[shown, *_OF_DAYS])
        },
        "/api/user/{user_id}/posts-stats": {
            "get": _asked("Contents of an artist", "PostsStats", "For the artist.", *whose, more=page)
        },
    }


def _of_the_site() -> Paths:
    listed = ("playlist_id", "The playlist. It need not have been described to be known by its views.")
    return {
        "/api/admin/sitewide-stats": {
            "get": _asked("Statistics of the site", "SiteStats", tag=SITE, more=[_LIMIT, *_OF_DAYS, _REFRESH])
        },
        "/api/admin/channels": {"get": _asked("Views and time by channel", "Channels", tag=SITE, more=[_LIMIT])},
        "/api/admin/play-orders": {"get": _asked("Views and time by play order", "PlayOrders", tag=SITE)},
        "/api/admin/peak-hours": {"get": _asked("Views by hour and weekday", "PeakHours", tag=SITE)},
        "/api/admin/outcomes": {
            "get": operation(
                SITE,
                "What became of events",
                {200: answer("The answer, or one of its tables.", files(ref("Outcomes")))},
                errors=_ERRORS,
                about="How many counted, and why others did not. For moderators, owners of the site and services.",
                parameters=[*_DAYS, FORMAT_QUERY, BOM_QUERY, _TABLE],
                security=SIGNED,
            )
        },
        "/api/admin/outcomes/live": {
            "get": operation(
                SITE,
                "What becomes of single events, as it is decided",
                {200: answer("It ends when either side leaves.", {"text/event-stream": _DECIDED})},
                errors=(401, 403, 405),
                about="Server-sent events of the last events and of each new one, while this is read. Without persons. "
                "For moderators, owners of the site and services.",
                security=SIGNED,
            )
        },
        "/api/admin/playlists/{playlist_id}": {
            "get": _asked(
                "Views via a playlist", "Playlist", "For the playlist's owner.", *listed, tag=SITE, more=[_LIMIT]
            )
        },
    }


def _asked(
    summary: str,
    schema: str,
    whom: str = "",
    name: str = "",
    about: str = "",
    *,
    tag: str = STATISTICS,
    more: list[Json] | None = None,
) -> Json:
    """Describe a question about a range of days."""
    whose = [path_id(name, about, USER if name == "user_id" else CONTENT)] if name else []
    readers = "For moderators, owners of the site and services." if not whom else f"{whom[:-1]}, and for moderators, "
    readers += "" if not whom else "owners of the site and services."
    return operation(
        tag,
        summary,
        {200: answer("The answer, or one of its tables.", files(ref(schema))), 304: _UNCHANGED},
        errors=(*_ERRORS, 404) if name else _ERRORS,
        about=f"{readers} Every value has its `_authenticated` twin: signed-in viewers only.",
        parameters=[*whose, *_DAYS, *(more or []), FORMAT_QUERY, BOM_QUERY, _TABLE],
        security=SIGNED,
    )
