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
        service = arrival.principal
        if service is None or not service.is_service or not (on_behalf := on_behalf_of(fields)):
            return self.sender(arrival, referrer)
        try:
            return self._enricher.reported(
                service,
                arrival.head.peer,
                referrer,
                client_ip=on_behalf.client_ip,
                user_agent=on_behalf.user_agent,
                user_id=on_behalf.user_id,
            )
        except ValueError:
            raise BadField("client_ip: not an IP address") from None

    def sender(self, arrival: Arrival, referrer: str | None) -> Visitor:
        """Return who sent the request.

        A page sends all its views over one connection, so an anonymous sender is enriched once for a head. A new key
        of anonymous visitors ends that.
        """
        head = arrival.head
        if arrival.principal is not None:
            return self._from_head(head, referrer, arrival.principal)
        who = head.visitors.get(referrer)
        if who is None or who.key_version != self._enricher.rotating_version:
            who = self._from_head(head, referrer, None)
            if len(head.visitors) < VISITORS_REMEMBERED:
                head.visitors[referrer] = who
        return who

    def _from_head(self, head: CaptureHead, referrer: str | None, principal: Principal | None) -> Visitor:
        return self._enricher.web(head.peer, head.forwarded_for, head.agent, referrer, head.cf_country, principal)
