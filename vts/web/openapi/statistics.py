"""Schemas of statistics: one content, one artist, the site. Names come from the modules that make the answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vts.model.content import KINDS, VISIBILITIES
from vts.model.outcome import OUTCOMES
from vts.model.view import CHANNELS, DEVICE_TYPES, VIEW_SOURCES, VIEW_TYPES
from vts.query.analytics import PLAY_ORDER_NAMES
from vts.query.artist_posts import SORTS
from vts.query.daily import ANSWERS, TOP_COUNTRIES
from vts.query.site import SITE_COUNTS, TOP_PAGE_VIEWS, TOP_VIEWS
from vts.query.top import BYS
from vts.web.openapi.builders import (
    COUNT,
    DATE,
    FRESH,
    NAMED,
    RANGE,
    SECONDS,
    TEXT,
    TIME,
    Json,
    array,
    counts,
    obj,
    or_null,
    twins,
    words,
)

_KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "views_by_device": DEVICE_TYPES,
    "views_by_type": VIEW_TYPES,
    "views_by_source": VIEW_SOURCES,
    "views_by_channel": CHANNELS,
}
_NOTES: Final = {
    "views_by_country": f"The {TOP_COUNTRIES} largest; all of them with `table=country`.",
    "views_by_hour_local": "By the hour of the viewer's own clock.",
    "views_by_playlist": "By the playlist that the content was shown from.",
    "views_by_play_order": "0 server, 1 created, 2 random.",
}
_DAY: Final = obj({"date": DATE, "views": COUNT, "unique_viewers": COUNT})
_EVERY_DAY: Final = "Every day of the range is there."
_UNIQUE: Final = COUNT | {"description": "Different viewers of the whole range: exact while few, about 1 % off beyond."}
_IMPORTED: Final = COUNT | {"description": "Of which so many are known from an import, as a number only."}

DAILY_FIELDS: Final[dict[str, Json]] = {
    "total_views": COUNT,
    "unique_viewers": _UNIQUE,
    "unique_viewers_imported": _IMPORTED,
    "total_impressions": COUNT | {"description": "Listing views of the range; `total_views` has them, too."},
    **{name: counts(_NOTES.get(name, ""), _KNOWN.get(name, ())) for name in ANSWERS},
    "daily_views": array(_DAY, description=_EVERY_DAY),
    "total_reactions": COUNT | {"description": "Of all time, as are comments."},
    "reactions_by_emoji": counts(),
    "total_comments": COUNT,
    "first_view_at": or_null(TIME),
    "last_view_at": or_null(TIME),
}
_POST_LINE: Final[dict[str, Json]] = {
    "post_id": NAMED,
    "title": or_null(TEXT),
    "kind": or_null(words(*KINDS)),
    "visibility": words(*VISIBILITIES),
    "created_at": or_null(TIME),
    **twins(
        {
            "total_views": COUNT,
            "unique_viewers": COUNT,
            "total_reactions": COUNT,
            "total_comments": COUNT,
            "first_view_at": or_null(TIME),
            "last_view_at": or_null(TIME),
        }
    ),
}
_STAY: Final[dict[str, Json]] = {
    "dwell_seconds": SECONDS | {"description": "Time between a player's view and its next one; a gap counts 15 min."},
    "dwell_views": COUNT | {"description": "Views that have such a next one."},
    "dwell_seconds_per_view": or_null(SECONDS),
}
_ENGAGED: Final[dict[str, Json]] = {
    **_STAY,
    "shown": COUNT | {"description": "Viewer and content with a listing view on a UTC day."},
    "converted": COUNT | {"description": "Those whose viewer then looked on purpose, on that day."},
    "conversion_rate": or_null({"type": "number", "minimum": 0, "maximum": 1}),
}
_CONTEXT: Final = obj({"context": TEXT, **twins({"views": COUNT, **_ENGAGED})})
_ZONE: Final[dict[str, Json]] = {
    "tz": TEXT | {"description": "The time zone whose dates the days are, where one was asked for."},
    "tz_inexact": array(TEXT, description="Fields of UTC days, or not exact; a twin is like its field."),
    **twins({"value_trend": array(obj({"date": DATE, "views": COUNT}), description="With `trend_of=`: every day.")}),
}
_ANALYTICS: Final[dict[str, Json]] = {
    **FRESH,
    "analytics_computed_at": or_null(TIME) | {"description": "When what is computed from raw views last was."},
    "analytics_lag_seconds": SECONDS,
}
_VIEWED: Final = twins({"views": COUNT})
_HOUR: Final = {"type": "integer", "minimum": 0, "maximum": 23}
_WEEKDAY: Final = {"type": "integer", "minimum": 0, "maximum": 6, "description": "0 is Monday."}
_VISITS: Final[dict[str, Json]] = {
    "visits": COUNT | {"description": "Page views of a viewer key, each at most 30 min after the one before."},
    "pages_per_visit": or_null({"type": "number", "minimum": 1}),
    "seconds_per_visit": or_null(SECONDS) | {"description": "Time on site: from the first to the last page view."},
    "bounce_rate": or_null({"type": "number", "minimum": 0, "maximum": 1})
    | {"description": "Share of visits with one page view."},
}
_TREND: Final = obj(
    {
        "date": DATE,
        **dict.fromkeys(SITE_COUNTS, COUNT),
        **_VISITS,
        "visits": or_null(COUNT) | {"description": "Null where the raw page views of the day are not known."},
        **dict.fromkeys(("posts_registered", "views", "unique_viewers", "player_views", "active_players"), COUNT),
    }
)

_PLAYER_LINE: Final = obj(
    {"player_key": TEXT, "name": or_null(TEXT), "owner_id": or_null(NAMED), "views": COUNT},
)

_OUTCOMES: Final = dict.fromkeys(OUTCOMES, COUNT)

SCHEMAS: Final[dict[str, Json]] = {
    "Outcomes": obj(
        {
            **RANGE,
            "outcomes": obj(_OUTCOMES),
            "by_source": array(obj({"source": TEXT, "outcome": TEXT, "events": COUNT}), description="Largest first."),
            "daily": array(obj({"date": DATE, **_OUTCOMES}), description=_EVERY_DAY),
            "hourly": array(obj({"hour": TIME, **_OUTCOMES}), description="The last 24 UTC hours, in their order."),
            **FRESH,
        }
    ),
    "PostStats": obj(
        {
            "post_id": NAMED,
            "title": or_null(TEXT),
            "kind": or_null(words(*KINDS)),
            "owner_id": or_null(NAMED) | {"description": "Not in the answer to a share link."},
            "visibility": words(*VISIBILITIES),
            **RANGE,
            **twins(DAILY_FIELDS),
            **FRESH,
            **_ZONE,
        },
        ("owner_id", *_ZONE),
    ),
    "ArtistStats": obj(
        {
            "user_id": NAMED,
            "total_posts": COUNT,
            "first_post_at": or_null(TIME) | {"description": "The first `created_at` of the artist's contents."},
            "latest_post_at": or_null(TIME),
            **RANGE,
            **twins(DAILY_FIELDS),
            "posts": array(obj(_POST_LINE), description="With `posts=`: as many contents as it says."),
            **FRESH,
            **_ZONE,
        },
        ("posts", *_ZONE),
    ),
    "PostsStats": obj(
        {
            "user_id": NAMED,
            **RANGE,
            "total": COUNT | {"description": "How long the whole list is."},
            "limit": COUNT,
            "offset": COUNT,
            "sort": words(*SORTS),
            "posts": array(obj(_POST_LINE)),
            **FRESH,
        }
    ),
    "Top": obj(
        {
            **RANGE,
            "by": words(*BYS),
            "limit": COUNT,
            "posts": array(
                obj(
                    {
                        "post_id": NAMED,
                        "title": or_null(TEXT),
                        "kind": or_null(words(*KINDS)),
                        "owner_id": or_null(NAMED),
                        "views": COUNT,
                        "unique_viewers": _UNIQUE,
                        "views_before": COUNT | {"description": "Of the period of the same length before."},
                        "trend": {"type": "integer", "description": "`views` less `views_before`."},
                    }
                )
            ),
            **FRESH,
        }
    ),
    "SiteStats": obj(
        {
            **RANGE,
            **twins(
                {
                    **dict.fromkeys(SITE_COUNTS, COUNT),
                    **_VISITS,
                    "total_views": COUNT,
                    "unique_viewers": _UNIQUE,
                    "unique_viewers_imported": _IMPORTED,
                    "daily_trend": array(_TREND, description=_EVERY_DAY),
                    "hourly_trend": array(
                        obj({"hour": TIME, "page_views": COUNT, "views": COUNT}), description="The last 24 UTC hours."
                    ),
                    **{name: counts() for name in TOP_PAGE_VIEWS},
                    "errors_by_type": counts(),
                    **{name: counts("", _KNOWN.get(name, ())) for name in TOP_VIEWS},
                    "player_activity": obj(
                        {
                            "views": COUNT,
                            "active_players": COUNT,
                            "views_by_country": counts(),
                            "views_by_player": array(_PLAYER_LINE, description="The players with most views."),
                        }
                    ),
                }
            ),
            "posts_registered": COUNT,
            "players_registered": COUNT,
            "players_registered_by_country": counts(),
            **_ANALYTICS,
            **_ZONE,
        },
        tuple(_ZONE),
    ),
    "Channels": obj(
        {
            **RANGE,
            "channels": array(
                obj(
                    {
                        "channel": words(*CHANNELS),
                        **twins({"views": COUNT, "unique_viewers": COUNT, **_ENGAGED}),
                        "contexts": array(_CONTEXT, description="The largest hashtags or users of the channel."),
                    }
                )
            ),
            **twins({"daily_views": array(obj({"date": DATE, **dict.fromkeys(CHANNELS, COUNT)}))}),
            **_ANALYTICS,
        }
    ),
    "PlayOrders": obj(
        {
            **RANGE,
            "play_orders": array(
                obj(
                    {
                        "play_order": words(*PLAY_ORDER_NAMES),
                        "name": words(*PLAY_ORDER_NAMES.values()),
                        **twins({"views": COUNT, "unique_viewers": COUNT, **_ENGAGED}),
                    }
                )
            ),
            **_ANALYTICS,
        }
    ),
    "PeakHours": obj(
        {
            **RANGE,
            "hours": array(obj({"hour": _HOUR, **_VIEWED})),
            "weekdays": array(obj({"weekday": _WEEKDAY, **_VIEWED})),
            "weekday_hours": array(obj({"weekday": _WEEKDAY, "hour": _HOUR, **_VIEWED}), description="7 × 24."),
            **twins({"peak_hours": array(_HOUR, maxItems=3), "peak_weekdays": array(_WEEKDAY, maxItems=1)}),
            **_ANALYTICS,
        }
    ),
    "Playlist": obj(
        {
            "playlist_id": NAMED,
            **RANGE,
            **twins(
                {
                    "views": COUNT,
                    "unique_viewers": COUNT,
                    **_STAY,
                    "views_by_post": counts(),
                    "views_by_country": counts(),
                    "daily_views": array(obj({"date": DATE, "views": COUNT}), description=_EVERY_DAY),
                }
            ),
            **_ANALYTICS,
        }
    ),
}
