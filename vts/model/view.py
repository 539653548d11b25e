"""Which fields a view has: its enumerations, the report that capture makes, the event that is kept."""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal, get_args

import msgspec

from vts.model.day import DAY_US
from vts.model.reference import Texts

DEVICE_TYPES: Final = ("desktop", "mobile", "tablet", "tv", "player")
VIEW_SOURCES: Final = ("web", "api", "widget", "player")
VIEW_TYPES: Final = ("intentional", "listing", "search", "widget")
CHANNELS: Final = ("all", "promoted", "user", "by_user", "artwork", "hashtag", "playlist", "reactions")
BotClass = Literal["search", "ai", "preview", "monitor", "tool"]
"""What a machine looks for; a tool is all else: scripts, automation, scanners, archives, feed readers."""
BOT_CLASSES: Final[tuple[BotClass, ...]] = get_args(BotClass)
PLAY_ORDERS: Final = (0, 1, 2)  # server, created, random

POST_ID_MAX: Final = 2**63 - 1


class ViewEvent(msgspec.Struct, frozen=True, array_like=True, tag="v", gc=False):
    """A view as it is journaled and stored; the fields are the columns of `view_events`.

    `event_day` is a day number (`vts.model.day`), `created_at` the time of the view in microseconds;
    `event_day` is always the UTC day of `created_at`. Keys and ids are 16 raw bytes, `user_agent_hash` likewise.
    `local_datetime` is naive, in the viewer's own time. `once`: of the intentional views of its viewer, content and day
    only one counts (`capture.view_once`).
    """

    post_id: int
    event_day: int
    event_id: bytes
    viewer_key: bytes
    key_version: int
    viewer_user_id: int | None
    authenticated: bool
    country_code: str | None
    device_type: str
    view_source: str
    view_type: str
    user_agent_hash: bytes | None
    referrer_domain: str | None
    player_key: bytes | None
    local_datetime: dt.datetime | None
    local_timezone: str | None
    local_hour: int | None
    local_weekday: int | None
    play_order: int | None
    channel: str | None
    channel_context: str | None
    playlist_id: int | None
    created_at: int
    once: bool = False


class Report(msgspec.Struct, frozen=True, gc=False):
    """A view as capture read and enriched it, before the gate has judged it.

    `event_id` is the client's own id (16 bytes, version 4 or 7, checked by capture) or None. `device_time_us` is the
    player's or importing service's own real time, None when its clock is not set or not given. `trusted` is a service
    token: no bot list, no web limit. `bot` is the class that enrichment found. `address_key` groups provisional
    registrations (keyed hash of the address, never the address), None for players. `texts` are those of the contents
    and the user that were named by text.
    """

    post_id: int
    arrived_us: int
    viewer_key: bytes
    key_version: int
    view_source: str = "web"
    view_type: str = "intentional"
    event_id: bytes | None = None
    device_time_us: int | None = None
    viewer_user_id: int | None = None
    authenticated: bool = False
    trusted: bool = False
    bot: BotClass | None = None
    address_key: bytes | None = None
    country_code: str | None = None
    device_type: str = "desktop"
    user_agent_hash: bytes | None = None
    referrer_domain: str | None = None
    player_key: bytes | None = None
    local_datetime: dt.datetime | None = None
    local_timezone: str | None = None
    local_hour: int | None = None
    local_weekday: int | None = None
    play_order: int | None = None
    channel: str | None = None
    channel_context: str | None = None
    playlist_id: int | None = None
    texts: Texts = ()


def event_of(report: Report, event_id: bytes, created_at: int, once: bool = False) -> ViewEvent:
    """Return a report as it is kept, under its id and at its time in microseconds.

    By position, in the order of the fields, since names would cost 2 µs: a twentieth of all that capture does with an
    event. A test gives every field a value of its own.
    """
    return ViewEvent(
        report.post_id,
        created_at // DAY_US,
        event_id,
        report.viewer_key,
        report.key_version,
        report.viewer_user_id,
        report.authenticated,
        report.country_code,
        report.device_type,
        report.view_source,
        report.view_type,
        report.user_agent_hash,
        report.referrer_domain,
        report.player_key,
        report.local_datetime,
        report.local_timezone,
        report.local_hour,
        report.local_weekday,
        report.play_order,
        report.channel,
        report.channel_context,
        report.playlist_id,
        created_at,
        once,
    )
