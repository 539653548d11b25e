"""Who looked: the sender of a request, or the visitor whom a service names. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from vts.capture.events.view_fields import HasOnBehalf, on_behalf_of
from vts.capture.fields import BadField
from vts.capture.http.request import CaptureHead
from vts.enrich.enrich import Enricher, Visitor
from vts.model.principal import Principal

VISITORS_REMEMBERED: Final = 32  # referrers of one head; a page has one, a batch a few


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A request's head, who signed it (None: anonymous) and when it arrived, in µs since the epoch."""

    head: CaptureHead
    principal: Principal | None
    now_us: int


class Visitors:
    """Returns the visitor of a request, enriched."""

    def __init__(self, enricher: Enricher) -> None:
        self._enricher = enricher

    def named_in(self, arrival: Arrival, fields: HasOnBehalf, referrer: str | None) -> Visitor:
        """Return the visitor whom a service names in the fields of an event, else the sender. Raises BadField."""
        principal = arrival.principal
        if principal is None:
            return self._anonymous(arrival.head, referrer)
        if not principal.is_service or not (on_behalf := on_behalf_of(fields)):
            return self._from_head(arrival.head, referrer, principal)
        try:
            return self._enricher.reported(
                principal,
                arrival.head.peer,
                referrer,
                client_ip=on_behalf.client_ip,
                user_agent=on_behalf.user_agent,
                user_id=on_behalf.user_id,
            )
        except ValueError:
            raise BadField("client_ip: not an IP address") from None

    def sender(self, arrival: Arrival, referrer: str | None) -> Visitor:
        """Return who sent the request."""
        if arrival.principal is None:
            return self._anonymous(arrival.head, referrer)
        return self._from_head(arrival.head, referrer, arrival.principal)

    def _anonymous(self, head: CaptureHead, referrer: str | None) -> Visitor:
        """Enrich once for a head: a page sends all its views over one connection. A new key of visitors ends that."""
        who = head.visitors.get(referrer)
        if who is None or who.key_version != self._enricher.rotating_version:
            who = self._from_head(head, referrer, None)
            if len(head.visitors) < VISITORS_REMEMBERED:
                head.visitors[referrer] = who
        return who

    def _from_head(self, head: CaptureHead, referrer: str | None, principal: Principal | None) -> Visitor:
        return self._enricher.web(head.peer, head.forwarded_for, head.agent, referrer, head.cf_country, principal)
