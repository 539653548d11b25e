"""What a site and its video players report besides views: page views, events of the host application, playback."""

from __future__ import annotations

from typing import Final

import msgspec

from vts.model.day import DAY_US
from vts.model.reference import Texts
from vts.model.view import BotClass

EVENT_TYPES: Final = ("page_view", "signup", "upload", "api_call", "error")
PLAYED_KINDS: Final = frozenset(("stream", "channel", "movie", "series"))  # of contents whose playback counts
PLAYBACK_TYPES: Final = ("play", "pause", "heartbeat", "ended", "error", "buffer_start", "buffer_end")


class SiteEvent(msgspec.Struct, frozen=True, array_like=True, tag="s", gc=False):
    """A page view or an event of the host application as it is journaled; the fields are the columns of `site_events`.

    Times, days, keys and ids as in `vts.model.view.ViewEvent`. `page` is normalised, `event_data` is JSON as it came.
    """

    event_id: bytes
    event_day: int
    event_type: str
    viewer_key: bytes
    key_version: int
    viewer_user_id: int | None
    authenticated: bool
    country_code: str | None
    device_type: str
    user_agent_hash: bytes | None
    referrer_domain: str | None
    page: str | None
    error_type: str | None
    event_data: str | None
    created_at: int


class PlaybackEvent(msgspec.Struct, frozen=True, array_like=True, tag="p", gc=False):
    """What happened in a video player; the fields are the columns of `playback_events`.

    `client_key` is the keyed hash of the client's own name, `video_time` is in seconds (0 where none was given),
    `extra` JSON as it came. Events of one request have the times of their ids of version 7 or of their arrival, a
    microsecond apart, so that their order is kept.
    """

    stream_id: int
    event_day: int
    event_id: bytes
    client_key: bytes
    key_version: int
    event_type: str
    video_time: float
    country_code: str | None
    device_type: str
    referrer_domain: str | None
    extra: str | None
    created_at: int


class SiteReport(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A page view or host event as capture read it, before admission has judged it.

    `event_id` is the client's own id of version 7 (its day is in it) or None. `trusted` is a service token.
    `texts` has that of the user, where the user was named by text.
    """

    event_type: str
    arrived_us: int
    viewer_key: bytes
    key_version: int
    event_id: bytes | None = None
    viewer_user_id: int | None = None
    authenticated: bool = False
    trusted: bool = False
    bot: BotClass | None = None
    country_code: str | None = None
    device_type: str = "desktop"
    user_agent_hash: bytes | None = None
    referrer_domain: str | None = None
    page: str | None = None
    error_type: str | None = None
    event_data: str | None = None
    texts: Texts = ()


class Played(msgspec.Struct, frozen=True, gc=False):
    """One event of a playback report. `video_time` is None where the client gave none, `event_id` is its own id."""

    event_type: str
    video_time: float | None
    extra: str | None = None
    event_id: bytes | None = None


class PlaybackReport(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request of a video player: kept as a whole or not at all. `stream_id` None names no stream.

    The text of a stream is in the catalog: no other counts.
    """

    stream_id: int | None
    arrived_us: int
    client_key: bytes
    key_version: int
    events: list[Played]
    trusted: bool = False
    country_code: str | None = None
    device_type: str = "desktop"
    referrer_domain: str | None = None


def site_event_of(report: SiteReport, event_id: bytes, created_at: int) -> SiteEvent:
    """Return a report as it is kept, under its id and at its time in microseconds."""
    return SiteEvent(
        event_id=event_id,
        event_day=created_at // DAY_US,
        event_type=report.event_type,
        viewer_key=report.viewer_key,
        key_version=report.key_version,
        viewer_user_id=report.viewer_user_id,
        authenticated=report.authenticated,
        country_code=report.country_code,
        device_type=report.device_type,
        user_agent_hash=report.user_agent_hash,
        referrer_domain=report.referrer_domain,
        page=report.page,
        error_type=report.error_type,
        event_data=report.event_data,
        created_at=created_at,
    )
