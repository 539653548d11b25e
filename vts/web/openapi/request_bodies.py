"""What clients send, as the structs that decode it say, so that the description cannot drift from the decoder.

A struct knows types and bounds; what its field is for, and what is checked after decoding, is added here by name. A
name that no struct has is a KeyError when the description is made.
"""

from __future__ import annotations

import copy
from typing import Any, Final

import msgspec

from vts.capture.events import site
from vts.capture.events.imported import ImportedView
from vts.capture.events.imported_site import ImportedPlayback, ImportedSiteEvent
from vts.capture.events.playback import Playback
from vts.capture.events.view_fields import INTENTS, PostView, View
from vts.capture.players import payloads
from vts.model.content import ContentName, ContentRow, PlayerName, PlayerRow
from vts.model.content_sync import SyncOrder
from vts.model.imported_stats import SITE_DIMENSIONS, WATCHED, HistoryRow, ProviderRow, SiteStatsRow
from vts.model.imports import VALUES_MAX, DailyRow, SiteRow
from vts.model.reaction import Comment, Reaction
from vts.model.site import EVENT_TYPES, PLAYBACK_TYPES
from vts.model.tally import DIMENSIONS
from vts.model.view import CHANNELS, PLAY_ORDERS, VIEW_SOURCES, VIEW_TYPES
from vts.web.openapi.builders import CONTENT, CONTENT_OF_KIND, USER, Json, lenient, or_null

STRUCTS: Final = (
    *(View, PostView, site.PageView, site.HostEvent, Playback, payloads.ViewPayload),
    *(ContentName, ContentRow, SyncOrder, PlayerName, PlayerRow, Reaction, Comment, DailyRow, SiteRow, ImportedView),
    *(SiteStatsRow, ImportedSiteEvent, ImportedPlayback, HistoryRow, ProviderRow),
)
RENAMED: Final = {"ViewPayload": "PlayerView"}

# PostgreSQL holds no NUL in text.
NO_NUL: Final = r"^[^\u0000]*$"
PATH: Final = r"^((https?:/)?/[^\u0000]*)?$"
_HEX: Final = "[0-9a-fA-F]"
UUID: Final = f"^{_HEX}{{8}}-{_HEX}{{4}}-{{version}}{_HEX}{{3}}-[89abAB]{_HEX}{{3}}-{_HEX}{{12}}$"
UUID_4_OR_7: Final = UUID.replace("{version}", "[47]")
UUID_7: Final = UUID.replace("{version}", "7")

_SERVICE: Final = " Heeded from services only: the visitor on whose behalf a server reports."
_VISITOR: Final[dict[str, Json]] = {
    "client_ip": or_null({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]})
    | {"description": "Address." + _SERVICE},
    "user_agent": or_null({"type": "string", "maxLength": 4096}) | {"description": "User-Agent." + _SERVICE},
    "user_id": or_null(USER) | {"description": "Signed-in user." + _SERVICE},
}
_EVENT_ID: Final[Json] = {
    "pattern": UUID_4_OR_7,
    "description": "UUID of version 4 or 7, so that sending it again counts nothing twice.",
}
_LOCAL: Final[dict[str, Json]] = {
    "local_datetime": {"pattern": NO_NUL, "description": "The viewer's own time, ISO 8601. Unreadable is none."},
    "local_timezone": {"pattern": NO_NUL, "description": "The viewer's IANA time zone. An unknown one is none."},
}
_CHANNEL: Final = lenient(*CHANNELS, about="By which channel the content was found.")
_PLAY_ORDER: Final = lenient(*PLAY_ORDERS, about="0 server, 1 created, 2 random.")
_VIEW: Final[dict[str, Json]] = {
    "event_id": _EVENT_ID,
    "view_type": lenient(*VIEW_TYPES, about="How the view came about; intentional unless given."),
    "source": lenient(*VIEW_SOURCES, about="Where it happened; web unless given."),
    "referrer": {"pattern": NO_NUL, "description": "URL of the page that led here; its host is kept."},
    "channel": _CHANNEL,
    "channel_context": {"pattern": NO_NUL, "description": "Hashtag, or sqid of a user, within the channel."},
    "playlist_id": {"description": "Playlist that the content was shown from, itself a content; 0 is none."},
    "play_order": _PLAY_ORDER,
    **_LOCAL,
    **_VISITOR,
    "user_agent": or_null({"type": "string", "maxLength": 4096, "pattern": NO_NUL})
    | {"description": "User-Agent." + _SERVICE},
}
_REFERRER: Final[Json] = {"description": "URL of the page that led here; its host is kept."}
_UNIX_NEVER: Final = "1970-01-01T00:00:00Z, or none, is a clock that is not set: the arrival counts."
_COUNTED: Final = {"description": "Which content. In open mode its first sight makes it known."}
_OWNER: Final = {"description": "Whose it is; the owner's own views do not count."}

# Ids that the API reads as numbers and as texts (vts.model.names).
_PLAYLIST: Final[Json] = {"anyOf": [{"const": 0}, *CONTENT["anyOf"], {"type": "null"}]}
NAMED: Final[dict[str, dict[str, Json]]] = {
    "View": {"post_id": CONTENT, "playlist_id": _PLAYLIST},
    "PostView": {"playlist_id": _PLAYLIST},
    "ImportedView": {"post_id": CONTENT, "playlist_id": _PLAYLIST},
    # a device writes "" where it knows nothing
    "PlayerView": {"post_id": CONTENT, "playlist_id": {"anyOf": [{"const": ""}, *_PLAYLIST["anyOf"]]}},
    "HostEvent": {"user_id": or_null(USER)},
    "ImportedSiteEvent": {"user_id": or_null(USER)},
    "ImportedPlayback": {"stream_id": CONTENT_OF_KIND, "user_id": or_null(USER)},
    "HistoryRow": {"user_id": USER}
    | dict.fromkeys(("post_id", "ref"), or_null(CONTENT))
    | dict.fromkeys(WATCHED, or_null(CONTENT_OF_KIND)),
    "ProviderRow": {"stream_id": CONTENT_OF_KIND},
    "ContentName": {"post_id": CONTENT},
    "ContentRow": {"post_id": CONTENT, "owner_id": or_null(USER)},
    "PlayerRow": {"owner_id": or_null(USER)},
    "Reaction": {"post_id": CONTENT, "user_id": or_null(USER)},
    "DailyRow": {"post_id": {"anyOf": [{"const": 0}, *CONTENT["anyOf"]]}},
    "Comment": {"post_id": CONTENT, "user_id": USER, "comment_id": USER},
}
_BREAKDOWNS: Final[Json] = {
    "propertyNames": {"enum": list(DIMENSIONS)},
    "description": f"{{dimension: {{value: count}}}}, at most {VALUES_MAX} values in each; a count may be "
    "[all, authenticated]. A key of `playlist` is an id or a text; integers from 2^61 to 2^62 - 1 are refused.",
}
_HOST_EVENT: Final[dict[str, Json]] = {
    "event_type": {"enum": list(EVENT_TYPES), "description": "What happened. A page_view needs a page_path."},
    "page_path": {"pattern": PATH, "description": "Path or URL of the page where it happened."},
    "user_id": {"description": "Whose doing it was."},
    "event_data": {"description": "At most 4 KiB. `error_type`, `type`, `code` or `status` names an error's kind."},
    "referrer": _REFERRER,
    "event_id": {"pattern": UUID_7, "description": "UUID of version 7, for a safe retry."},
    "client_ip": _VISITOR["client_ip"],
    "user_agent": _VISITOR["user_agent"],
}
_HAPPENED: Final[dict[str, Json]] = {
    "type": {"enum": list(PLAYBACK_TYPES), "description": "In any case. A heartbeat comes every 15 s."},
    "event_id": _EVENT_ID,
    "extra": {"description": "Any JSON of at most 1 KiB."},
}
_CLIENT: Final[Json] = {"pattern": NO_NUL, "description": "The player's name for itself; only a keyed hash is kept."}
_BACK_THEN: Final[Json] = {"description": "When it happened, with an offset; not in the future."}
ADDED: Final[dict[str, dict[str, Json]]] = {
    "View": _VIEW | {"post_id": _COUNTED},
    "PostView": _VIEW | {"intent": lenient(*INTENTS, about="`view` is intentional, `impression` a listing.")},
    "ImportedView": _VIEW
    | {"post_id": _COUNTED, "created_at": {"description": "When it was looked at, with an offset; not in the future."}},
    "PageView": _VISITOR
    | {
        "path": {"pattern": PATH, "description": "Path or URL of the page; query and fragment are cut off."},
        "referrer": _REFERRER,
        "event_id": {"pattern": UUID_7, "description": "UUID of version 7, for a safe retry."},
    },
    "HostEvent": _HOST_EVENT,
    "ImportedSiteEvent": _HOST_EVENT | {"created_at": _BACK_THEN},
    "ImportedPlayback": _HAPPENED
    | {
        "stream_id": {"description": "The stream; a text without a kind is `stream:`. An unknown one is refused."},
        "client_id": _CLIENT,
        "created_at": _BACK_THEN,
        "video_time": {"description": "Seconds into the video; null or absent: 0."},
        "referrer": _REFERRER,
        "client_ip": _VISITOR["client_ip"],
        "user_agent": _VISITOR["user_agent"],
        "user_id": {"description": "Signed-in user."},
    },
    "HistoryRow": {
        "user_id": {"description": "Who watched."},
        "started_at": {"description": "With an offset."},
        "ended_at": {"description": "With an offset; not before `started_at`."},
        "stream_url": {"pattern": NO_NUL},
        **{name: {"description": f"A text without a kind is `{kind}:`."} for name, kind in WATCHED.items()},
    },
    "ProviderRow": {
        "stream_id": {"description": "The stream; a text without a kind is `stream:`."},
        "provider": {"pattern": NO_NUL},
        **{
            name: {"description": f"{{value: count}}, at most {VALUES_MAX} values."}
            for name in ("top_countries", "device_breakdown")
        },
    },
    "SiteStatsRow": {
        "breakdowns": {
            "propertyNames": {"enum": list(SITE_DIMENSIONS)},
            "description": "As of `DailyRow`: `error_type` counts errors, the others page views.",
        }
    },
    "Playback": {
        "streamId": {"description": "The stream; a text without a kind is `stream:`. An unknown one is a 404."},
        "clientId": _CLIENT,
    },
    "Happened": _HAPPENED
    | {
        "videoTime": {
            "description": "Seconds into the video; null or absent: 0. It tells a report from one that is sent again."
        },
    },
    "PlayerView": {
        "player_key": {"description": "If given, the player that signs in."},
        "event_id": _EVENT_ID | {"pattern": f"{UUID_4_OR_7}|^$"},  # a device writes "" where it knows nothing
        "timestamp": {"description": "Device time, ISO 8601. " + _UNIX_NEVER},
        "timezone": {"description": "IANA time zone; empty means unknown."},
        "intent": lenient(*payloads.INTENTS, about="artwork, intentional: on purpose; channel, automated: a listing."),
        "play_order": _PLAY_ORDER,
        "channel": _CHANNEL,
        "channel_user_sqid": {"description": "Context of the channels by_user and reactions."},
        "channel_hashtag": {"description": "Context of the channel hashtag, without #."},
        "country": {"description": "ISO 3166-1 alpha-2. Anything else is none."},
        "request_ack": {"description": "Of MQTT only; HTTP is always answered."},
    },
    "ContentRow": {
        "owner_id": _OWNER,
        "title": {"pattern": NO_NUL},
        "category": {"pattern": NO_NUL},
        "kind": {"description": "The reference's own; of a number that is new, or with null, artwork."},
        "visibility": {"description": "Only public contents have a public count. A new content is public."},
        "created_at": {"description": "With an offset."},
    },
    "SyncOrder": {
        "sync_id": {"description": "A name of the sync, new for each."},
        "dry_run": {"description": "Of an opening: the parts are compared only. Of a commit: nothing is removed."},
        "commit": {"description": "Whether to commit; else the sync is opened."},
        "parts": {"description": "Of a commit: how many parts were sent."},
        "force": {"description": "Of a commit: also where many contents are removed."},
    },
    "PlayerRow": {
        "owner_id": _OWNER,
        "name": {"pattern": NO_NUL},
        "registered": {"description": "Others are refused. A new player is registered."},
        "country": {"description": "ISO 3166-1 alpha-2, where the player itself does not say."},
        "credential": {"pattern": NO_NUL, "description": "Only its SHA-256 is kept. Null takes the old one away."},
    },
    "Reaction": {
        "user_id": {"description": "Who reacted; without it `client_ip` and `user_agent` are those of a visitor."},
        "client_ip": {"description": "Address of a visitor. Only the viewer key is kept, as of a view."},
        "user_agent": {"pattern": NO_NUL, "description": "User-Agent of the visitor."},
        "emoji": {"pattern": NO_NUL},
        "authenticated": {"description": "Whether the user was signed in; true unless given. Never of a visitor."},
    },
    "Comment": {"comment_id": {"description": "The host application's name of it; what it says stays there."}},
    "DailyRow": {
        "post_id": {
            "description": "0 is the whole site, as in a row of `SiteRow`. An exported `post_ref` comes before it."
        },
        "breakdowns": _BREAKDOWNS,
    },
    "SiteRow": {"post_id": {"description": "None, or 0."}, "breakdowns": _BREAKDOWNS},
}


def schemas() -> dict[str, Json]:
    """Return the components of everything that is decoded into a struct."""
    _, found = msgspec.json.schema_components(STRUCTS, ref_template="#/components/schemas/{name}")
    made = {RENAMED.get(name, name): component for name, component in found.items()}
    for name, ids in NAMED.items():
        for field, schema in ids.items():
            made[name]["properties"][field] = copy.deepcopy(schema)
    for name, fields in ADDED.items():
        for field, keywords in fields.items():
            _narrow(made[name]["properties"], field, keywords)
    for name in ("DailyRow", "SiteRow"):
        del made[name]["properties"]["views"]["default"]  # none is a number that a day may have
    _hashtags(made["ContentRow"]["properties"]["hashtags"])
    for component in made.values():
        component.pop("title", None)
        for schema in component["properties"].values():
            if schema.get("default", 0) is None:
                del schema["default"]
    return made


def _narrow(properties: dict[str, Json], field: str, keywords: Json) -> None:
    """Add keywords to a field: bounds to the branch that is no null, a description to the whole."""
    schema = properties[field]
    for keyword, value in keywords.items():
        branches: list[Json] = schema.get("anyOf", [])
        of_text = [one for one in branches if one.get("type") in ("string", "object")]
        narrower: Json = of_text[0] if of_text and keyword not in ("description", "anyOf") else schema
        narrower[keyword] = value


def _hashtags(schema: dict[str, Any]) -> None:
    of_list = next(one for one in schema["anyOf"] if one.get("type") == "array")
    of_list["items"]["pattern"] = NO_NUL
