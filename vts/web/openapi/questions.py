"""The routes that ask for statistics: of one content, one artist, the site."""

from __future__ import annotations

from typing import Final

from vts.query import artist_posts, shape
from vts.query.artist_posts import SORT_DEFAULT, SORTS
from vts.query.ranges import DAYS_DEFAULT, DAYS_MAX
from vts.web.openapi.builders import (
    ANYONE,
    CONTENT,
    COUNT,
    DATE,
    JSON,
    NAMED,
    SECONDS,
    SIGNED,
    TEXT,
    USER,
    Json,
    Paths,
    answer,
    obj,
    operation,
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


def paths() -> Paths:
    """Return the operations that ask."""
    return _of_contents() | _of_artists() | _of_the_site()


def _of_contents() -> Paths:
    counted = answer(
        "Views of all time.", {JSON: obj({"post_id": NAMED, "views": COUNT, "lag_seconds": _BEHIND}, ("lag_seconds",))}
    )
    return {
        "/api/post/{post_id}/count": {
            "get": operation(
                STATISTICS,
                "Count the views of a public content",
                {200: counted},
                errors=(400, 401, 404, 405),
                about="Any origin may ask; a token is not needed, but one that is shown must be good.",
                parameters=[path_id("post_id", "The content.")],
                security=ANYONE,
            )
        },
        "/api/post/{post_id}/stats": {
            "get": _asked("Statistics of one content", "PostStats", "For its owner.", "post_id", "The content.")
        },
    }


def _of_artists() -> Paths:
    number = {"type": "integer", "minimum": 0, "maximum": artist_posts.OFFSET_MAX, "default": 0}
    most = {"type": "integer", "minimum": 1, "maximum": artist_posts.LIMIT_MAX, "default": artist_posts.LIMIT_DEFAULT}
    page = [
        query("sort", words(*SORTS, default=SORT_DEFAULT), "With a minus the largest first."),
        query("limit", most, "How many contents."),
        query("offset", number, "How many to pass over."),
    ]
    whose = ("user_id", "The artist. A user without contents has zeros.")
    return {
        "/api/user/{user_id}/artist-stats": {
            "get": _asked("Statistics of an artist", "ArtistStats", "For the artist.", *whose)
        },
        "/api/user/{user_id}/posts-stats": {
            "get": _asked("Contents of an artist", "PostsStats", "For the artist.", *whose, more=page)
        },
    }


def _of_the_site() -> Paths:
    listed = ("playlist_id", "The playlist. It need not have been described to be known by its views.")
    return {
        "/api/admin/sitewide-stats": {"get": _asked("Statistics of the site", "SiteStats", tag=SITE, more=[_LIMIT])},
        "/api/admin/channels": {"get": _asked("Views and time by channel", "Channels", tag=SITE, more=[_LIMIT])},
        "/api/admin/play-orders": {"get": _asked("Views and time by play order", "PlayOrders", tag=SITE)},
        "/api/admin/peak-hours": {"get": _asked("Views by hour and weekday", "PeakHours", tag=SITE)},
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
        {200: answer("The answer, or one of its tables.", files(ref(schema)))},
        errors=(*_ERRORS, 404) if name else _ERRORS,
        about=f"{readers} Every value has its `_authenticated` twin: signed-in viewers only.",
        parameters=[*whose, *_DAYS, *(more or []), FORMAT_QUERY, BOM_QUERY, _TABLE],
        security=SIGNED,
    )
