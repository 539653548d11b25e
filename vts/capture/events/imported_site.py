"""Which events imported page views, host events and playback become: enriched like any other, at their own times."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Annotated, Any, Final

import msgspec

from vts.capture.events.imported import time_of
from vts.capture.events.playback import DEFAULT_KIND, EXTRA_MAX_BYTES, VIDEO_TIME_MAX_S
from vts.capture.events.playback import Name as ClientName
from vts.capture.events.site import HostEvent, PageOf, SiteReports
from vts.capture.events.view_fields import Referrer
from vts.capture.events.visitors import Arrival, Visitors
from vts.capture.fields import BadField, Name, Text, content_number, event_id_of, json_text, refuse_nul
from vts.capture.http.request import CaptureHead, Route
from vts.enrich.enrich import Enricher
from vts.model import identity
from vts.model.day import DAY_US
from vts.model.ports import Catalog
from vts.model.principal import Principal
from vts.model.reference import Texts
from vts.model.site import PLAYBACK_TYPES, PLAYED_KINDS, PlaybackEvent, SiteEvent, site_event_of

NO_STREAM: Final = "stream_id: no such stream; describe it by POST /api/content first"


class ImportedSiteEvent(HostEvent, kw_only=True, gc=False):
    """One event of `POST /api/import/site-events`: that of a host, and when it was. A page view unless it says else."""

    event_type: Text = "page_view"
    created_at: dt.datetime


class ImportedPlayback(msgspec.Struct, kw_only=True, gc=False):
    """One event of `POST /api/import/playback`."""

    stream_id: Name
    client_id: ClientName
    type: Text
    created_at: dt.datetime
    video_time: Annotated[float, msgspec.Meta(ge=0, le=VIDEO_TIME_MAX_S)] | None = None
    extra: Any = None
    event_id: Text | None = None
    referrer: Referrer | None = None
    client_ip: Any = None
    user_agent: Any = None
    user_id: Any = None


class ImportedEvents:
    """Makes events of rows. `id_secret` is the key of derived event ids: sent again, a row is the same event.

    Its methods raise BadField, and NoReferenceKey for a text before the catalog has the key.
    """

    def __init__(self, enricher: Enricher, catalog: Catalog, page_of: PageOf, id_secret: bytes) -> None:
        self._enricher = enricher
        self._catalog = catalog
        self._reports = SiteReports(enricher, catalog, page_of)
        self._visitors = Visitors(enricher, catalog)
        self._id_secret = id_secret

    def site_event(
        self, row: ImportedSiteEvent, index: int, import_id: str, service: Principal, peer: str, now_us: int
    ) -> tuple[SiteEvent, Texts]:
        """Return a page view or host event, and the texts in it."""
        time_us = time_of(row.created_at, now_us)
        event_id = self._event_id(row.event_id, import_id, 0, index)
        report = self._reports.of_host(_arrival(service, peer, time_us), row, event_id)
        return site_event_of(report, event_id, time_us), report.texts

    def playback(
        self, row: ImportedPlayback, index: int, import_id: str, service: Principal, peer: str, now_us: int
    ) -> PlaybackEvent:
        """Return what happened in a video player. The order of rows is that of events at the same microsecond."""
        time_us = time_of(row.created_at, now_us)
        stream_id, _ = content_number("stream_id", row.stream_id, self._catalog.references, default_kind=DEFAULT_KIND)
        stream = self._catalog.content(stream_id)
        if stream is None or stream.deleted or stream.kind not in PLAYED_KINDS:
            raise BadField(NO_STREAM)
        if (kind := row.type.lower()) not in PLAYBACK_TYPES:
            raise BadField(f"type: one of {', '.join(PLAYBACK_TYPES)} is expected")
        refuse_nul("client_id", row.client_id)
        who = self._visitors.named_in(_arrival(service, peer, time_us), row, row.referrer)
        return PlaybackEvent(
            stream_id=stream_id,
            event_day=time_us // DAY_US,
            event_id=self._event_id(row.event_id, import_id, stream_id, index),
            client_key=self._enricher.client_key(row.client_id),
            key_version=self._enricher.rotating_version,
            event_type=kind,
            video_time=row.video_time or 0.0,
            country_code=who.country_code,
            device_type=who.device_type,
            referrer_domain=who.referrer_domain,
            extra=None if row.extra is None else json_text("extra", row.extra, EXTRA_MAX_BYTES),
            created_at=time_us,
        )

    def _event_id(self, given: str | None, import_id: str, subject: int, index: int) -> bytes:
        if given is not None:
            return event_id_of(given)
        key = hashlib.sha256(import_id.encode()).digest()[:16]
        return identity.version_8(self._id_secret, key, subject, index)


def _arrival(service: Principal, peer: str, time_us: int) -> Arrival:
    return Arrival(CaptureHead(Route.VIEW, "POST", "/api/view", "", peer), service, time_us)
