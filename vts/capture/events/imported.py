"""Which report an imported view becomes: read and enriched like any other, at its own time."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Final

import msgspec

from vts.capture.events.view_fields import View
from vts.capture.events.views import WebReports
from vts.capture.events.visitors import Arrival
from vts.capture.fields import BadField
from vts.capture.http.request import CaptureHead, Route
from vts.model import identity
from vts.model.day import MINUTE_US, us_of
from vts.model.principal import Principal
from vts.model.view import Report, ViewEvent, event_of

FUTURE_US: Final = 5 * MINUTE_US  # as for every event
AGREE_US: Final = 5 * MINUTE_US  # between created_at and the time inside a version-7 id


class ImportedView(View, kw_only=True, gc=False):
    """One event of `POST /api/import/views`: a view's fields, and when it was."""

    created_at: dt.datetime


class ImportedViews:
    """Makes reports of imported views. `id_secret` is the key of derived event ids."""

    def __init__(self, reports: WebReports, id_secret: bytes) -> None:
        self._reports = reports
        self._id_secret = id_secret

    def report(
        self, view: ImportedView, index: int, import_id: str, service: Principal, peer: str, now_us: int
    ) -> Report:
        """Return a view as the gate takes it. Raises BadField and NoReferenceKey.

        One without an id gets one of its place in the import, so that sending the import again counts nothing twice.
        """
        time_us = time_of(view.created_at, now_us)
        head = CaptureHead(Route.VIEW, "POST", "/api/view", "", peer)
        made = self._reports.make(Arrival(head, service, time_us), view, view.post_id, "intentional")
        event_id = made.event_id
        if event_id is None:
            key = hashlib.sha256(import_id.encode()).digest()[:16]
            event_id = identity.version_8(self._id_secret, key, made.post_id, index)
        elif identity.version(event_id) == 7 and abs(identity.time_us(event_id) - time_us) > AGREE_US:
            raise BadField("event_id: the time inside this version-7 id is not that of created_at")
        return msgspec.structs.replace(made, arrived_us=now_us, device_time_us=time_us, event_id=event_id)


def imported_event_of(report: Report) -> ViewEvent:
    """Return an imported view as it is counted. Its day is the one that the gate would find."""
    event_id = report.event_id
    assert event_id is not None and report.device_time_us is not None, "made by ImportedViews"
    created_at = identity.time_us(event_id) if identity.version(event_id) == 7 else report.device_time_us
    return event_of(report, event_id, created_at)


def time_of(created_at: dt.datetime, now_us: int) -> int:
    """Return the time of an imported event in microseconds. Raises BadField for one without offset or out of range."""
    if created_at.tzinfo is None:
        raise BadField("created_at: a time with its offset is expected, like 2025-12-31T23:59:00Z")
    time_us = us_of(created_at)
    if not 0 <= time_us <= now_us + FUTURE_US:
        raise BadField("created_at: before 1970, or in the future")
    return time_us
