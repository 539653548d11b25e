"""Which report the events of a video player become: checked, and its viewer enriched. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from vts.capture.events.visitors import Arrival, Visitors
from vts.capture.fields import BadField, Text, content_number, decode, event_id_of, json_text, refuse_nul
from vts.capture.http.request import POST_ID_MAX_DIGITS
from vts.enrich.enrich import Enricher
from vts.model.ports import Catalog
from vts.model.reference import References, is_hashed
from vts.model.site import PLAYBACK_TYPES, PlaybackReport, Played
from vts.model.view import POST_ID_MAX

EVENTS_MAX: Final = 100
NAME_MAX_CHARS: Final = 255
EXTRA_MAX_BYTES: Final = 1024
DEFAULT_KIND: Final = "stream"  # of a name without a kind
VIDEO_TIME_MAX_S: Final = 1e9  # thirty years: no number that a column or a sum cannot hold

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_MAX_CHARS)]


class Happened(msgspec.Struct, kw_only=True, gc=False):
    """One event of a player."""

    type: Text
    videoTime: Annotated[float, msgspec.Meta(ge=0, le=VIDEO_TIME_MAX_S)] | None = None  # before the media has loaded
    extra: Any = None
    event_id: Text | None = None


class Playback(msgspec.Struct, kw_only=True, gc=False):
    """The body of `POST /analytics/events`."""

    streamId: Name | Annotated[int, msgspec.Meta(ge=1, le=POST_ID_MAX)]
    clientId: Name
    events: Annotated[list[Happened], msgspec.Meta(min_length=1, max_length=EVENTS_MAX)]


_decoder: Final = msgspec.json.Decoder(Playback)


class PlaybackReports:
    """Makes reports of playback."""

    def __init__(self, enricher: Enricher, catalog: Catalog) -> None:
        self._enricher = enricher
        self._catalog = catalog
        self._visitors = Visitors(enricher, catalog)

    def make(self, arrival: Arrival, body: bytes) -> PlaybackReport:
        """Return the report of a request. Raises BadField, and NoReferenceKey for a text before there is the key."""
        fields = decode(_decoder, body)
        refuse_nul("clientId", fields.clientId)
        who = self._visitors.sender(arrival, arrival.head.referer)
        return PlaybackReport(
            stream_id=_stream_id(fields.streamId, self._catalog.references),
            arrived_us=arrival.now_us,
            client_key=self._enricher.client_key(fields.clientId),
            key_version=self._enricher.rotating_version,
            events=[_played(index, one) for index, one in enumerate(fields.events)],
            trusted=who.trusted,
            country_code=who.country_code,
            device_type=who.device_type,
            referrer_domain=who.referrer_domain,
        )


def _stream_id(name: str | int, references: References | None) -> int | None:
    """Return the number of a stream, None for a name that no stream can have.

    Raises BadField for a number that stands for a text.
    """
    try:
        return content_number("streamId", name, references, default_kind=DEFAULT_KIND)[0]
    except BadField:
        digits = isinstance(name, int) or (name.isascii() and name.isdigit() and len(name) <= POST_ID_MAX_DIGITS)
        if digits and is_hashed(int(name)):
            raise
        return None


def _played(index: int, event: Happened) -> Played:
    kind = event.type.lower()
    if kind not in PLAYBACK_TYPES:
        raise BadField(f"events[{index}].type: one of {', '.join(PLAYBACK_TYPES)} is expected")
    extra = None if event.extra is None else json_text(f"events[{index}].extra", event.extra, EXTRA_MAX_BYTES)
    return Played(kind, event.videoTime, extra, _event_id(index, event.event_id))


def _event_id(index: int, text: str | None) -> bytes | None:
    try:
        return None if text is None else event_id_of(text)
    except BadField as fault:
        raise BadField(f"events[{index}].{fault}") from None
