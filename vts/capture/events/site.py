"""Which reports page views and host events become: their fields checked, their visitor enriched. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec

from vts.capture.events.view_fields import Referrer
from vts.capture.events.visitors import Arrival, Visitors
from vts.capture.fields import BadField, Name, Text, decode, event_id_of, json_text
from vts.enrich.enrich import Enricher, Visitor
from vts.model import identity
from vts.model.ports import Catalog
from vts.model.site import EVENT_TYPES, SiteReport

PATH_MAX_CHARS: Final = 2048  # what browsers and servers agree on
DATA_MAX_BYTES: Final = 4096  # of event_data
ERROR_TYPE_MAX_CHARS: Final = 100

Path = Annotated[str, msgspec.Meta(max_length=PATH_MAX_CHARS)]
PageOf = Callable[[str], str | None]
"""Path → page, None for what is no path (`vts.enrich.pages`)."""


class PageView(msgspec.Struct, kw_only=True, gc=False):
    """The body of `POST /api/track/page-view`."""

    path: Path
    referrer: Referrer | None = None
    event_id: Text | None = None
    # Read for services only.
    client_ip: Any = None
    user_agent: Any = None
    user_id: Any = None


class HostEvent(msgspec.Struct, kw_only=True, gc=False):
    """The body of `POST /api/track/event`."""

    event_type: Text
    page_path: Path | None = None
    user_id: Name | None = None
    event_data: dict[str, Any] | None = None
    referrer: Referrer | None = None
    event_id: Text | None = None
    client_ip: Any = None
    user_agent: Any = None


_page_view: Final = msgspec.json.Decoder(PageView)
_host_event: Final = msgspec.json.Decoder(HostEvent)


class SiteReports:
    """Makes reports of page views and host events.

    Its methods raise BadField, and NoReferenceKey for a user's text before `catalog` has the key.
    """

    def __init__(self, enricher: Enricher, catalog: Catalog, page_of: PageOf) -> None:
        self._visitors = Visitors(enricher, catalog)
        self._page_of = page_of

    def page_view(self, arrival: Arrival, body: bytes) -> SiteReport:
        """Return the report of a page view."""
        fields = decode(_page_view, body)
        who = self._visitors.named_in(arrival, fields, fields.referrer)
        return _report(who, "page_view", self._page("path", fields.path), _event_id(fields), arrival.now_us)

    def host_event(self, arrival: Arrival, body: bytes) -> SiteReport:
        """Return the report of an event of the host application; the sender is a service."""
        fields = decode(_host_event, body)
        return self.of_host(arrival, fields, _event_id(fields))

    def of_host(self, arrival: Arrival, fields: HostEvent, event_id: bytes | None) -> SiteReport:
        """Return the report of an event whose fields are decoded."""
        if fields.event_type not in EVENT_TYPES:
            raise BadField(f"event_type: one of {', '.join(EVENT_TYPES)} is expected")
        data = json_text("event_data", fields.event_data, DATA_MAX_BYTES) if fields.event_data else None
        page = None if fields.page_path is None else self._page("page_path", fields.page_path)
        if page is None and fields.event_type == "page_view":
            raise BadField("page_path: is missing")
        who = self._visitors.named_in(arrival, fields, fields.referrer)
        report = _report(who, fields.event_type, page, event_id, arrival.now_us)
        error_type = _error_type(fields.event_data or {}) if fields.event_type == "error" else None
        return msgspec.structs.replace(report, event_data=data, error_type=error_type)

    def _page(self, field: str, path: str) -> str:
        page = None if "\0" in path else self._page_of(path)
        if page is None:
            raise BadField(f"{field}: a path that begins with / is expected")
        return page


def _report(who: Visitor, event_type: str, page: str | None, event_id: bytes | None, now_us: int) -> SiteReport:
    return SiteReport(
        event_type=event_type,
        arrived_us=now_us,
        viewer_key=who.viewer_key,
        key_version=who.key_version,
        event_id=event_id,
        viewer_user_id=who.viewer_user_id,
        authenticated=who.authenticated,
        trusted=who.trusted,
        bot=who.bot,
        country_code=who.country_code,
        device_type=who.device_type,
        user_agent_hash=who.user_agent_hash,
        referrer_domain=who.referrer_domain,
        page=page,
        texts=who.texts,
    )


def _event_id(fields: PageView | HostEvent) -> bytes | None:
    """Return the client's own id. Only version 7 says by itself which day the event belongs to."""
    if fields.event_id is None:
        return None
    event_id = event_id_of(fields.event_id)
    if identity.version(event_id) != 7:
        raise BadField("event_id: a UUID of version 7 is expected")
    return event_id


def _error_type(data: dict[str, Any]) -> str | None:
    """Return the kind of an error, from the first of the fields that hosts name it in."""
    for name in ("error_type", "type", "code", "status"):
        value = data.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()[:ERROR_TYPE_MAX_CHARS]
    return None
