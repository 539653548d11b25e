"""Which report the events of a video player become: checked, and its viewer enriched. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from vts.capture.events.visitors import Arrival, Visitors
from vts.capture.fields import BadField, Text, decode, json_text, refuse_nul
from vts.capture.http.request import POST_ID_MAX_DIGITS
from vts.enrich.enrich import Enricher
from vts.model.site import PLAYBACK_TYPES, PlaybackReport, Played
from vts.model.view import POST_ID_MAX

EVENTS_MAX: Final = 100
NAME_MAX_CHARS: Final = 255
EXTRA_MAX_BYTES: Final = 1024
VIDEO_TIME_MAX_S: Final = 1e9  # thirty years: no number that a column or a sum cannot hold

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_MAX_CHARS)]


class Happened(msgspec.Struct, kw_only=True, gc=False):
    """One event of a player."""

    type: Text
    videoTime: Annotated[float, msgspec.Meta(ge=0, le=VIDEO_TIME_MAX_S)] = 0.0
    extra: Any = None


class Playback(msgspec.Struct, kw_only=True, gc=False):
    """The body of `POST /analytics/events`."""

    streamId: Name | Annotated[int, msgspec.Meta(ge=1, le=POST_ID_MAX)]
    clientId: Name
    events: Annotated[list[Happened], msgspec.Meta(min_length=1, max_length=EVENTS_MAX)]


_decoder: Final = msgspec.json.Decoder(Playback)


class PlaybackReports:
    """Makes reports of playback."""

    def __init__(self, enricher: Enricher) -> None:
        self._enricher = enricher
        self._visitors = Visitors(enricher)

    def make(self, arrival: Arrival, body: bytes) -> PlaybackReport:
        """Return the report of a request. Raises BadField."""
        fields = decode(_decoder, body)
        refuse_nul("clientId", fields.clientId)
        who = self._visitors.sender(arrival, arrival.head.referer)
        return PlaybackReport(
            stream_id=_stream_id(fields.streamId),
            arrived_us=arrival.now_us,
            client_key=self._enricher.client_key(fields.clientId),
            key_version=self._enricher.rotating_version,
            events=[_played(index, one) for index, one in enumerate(fields.events)],
            trusted=who.trusted,
            country_code=who.country_code,
            device_type=who.device_type,
            referrer_domain=who.referrer_domain,
        )


def _stream_id(name: str | int) -> int | None:
    """Return the number of a stream, None for a name that is no number: no such stream is known."""
    if isinstance(name, int):
        return name
    if not (name.isascii() and name.isdecimal() and len(name) <= POST_ID_MAX_DIGITS):
        return None
    return stream_id if 0 < (stream_id := int(name)) <= POST_ID_MAX else None


def _played(index: int, event: Happened) -> Played:
    if event.type not in PLAYBACK_TYPES:
        raise BadField(f"events[{index}].type: one of {', '.join(PLAYBACK_TYPES)} is expected")
    extra = None if event.extra is None else json_text(f"events[{index}].extra", event.extra, EXTRA_MAX_BYTES)
    return Played(event.type, event.videoTime, extra)
