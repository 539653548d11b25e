"""Who looked: the sender of a request, or the visitor whom a service names. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from vts.capture.events.view_fields import HasOnBehalf, on_behalf_of
from vts.capture.fields import BadField, user_number
from vts.capture.http.request import CaptureHead
from vts.enrich.enrich import Enricher, Visitor
from vts.model.ports import Catalog
from vts.model.principal import Principal
from vts.model.reference import ReferenceText, Texts

NO_TEXTS: Final[Texts] = ()
VISITORS_REMEMBERED: Final = 32  # referrers of one head; a page has one, a batch a few


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A request's head, who signed it (None: anonymous) and when it arrived, in µs since the epoch."""

    head: CaptureHead
    principal: Principal | None
    now_us: int


class Visitors:
    """Returns the visitor of a request, enriched, with the text of a user who is named by one."""

    def __init__(self, enricher: Enricher, catalog: Catalog) -> None:
        self._enricher = enricher
        self._catalog = catalog

    def named_in(self, arrival: Arrival, fields: HasOnBehalf, referrer: str | None) -> Visitor:
        """Return the visitor whom a service names in the fields of an event, else the sender.

        Raises BadField, and NoReferenceKey for a user's text before the catalog has the key.
        """
        principal = arrival.principal
        if principal is None:
            return self._anonymous(arrival.head, referrer)
        if not principal.is_service or not (on_behalf := on_behalf_of(fields)):
            return self._from_head(arrival.head, referrer, principal)
        user_id, texts = None, NO_TEXTS
        if on_behalf.user_id is not None:
            user_id, texts = user_number("user_id", on_behalf.user_id, self._catalog.references)
        try:
            who = self._enricher.reported(
                principal,
                arrival.head.peer,
                referrer,
                client_ip=on_behalf.client_ip,
                user_agent=on_behalf.user_agent,
                user_id=user_id,
            )
        except ValueError:
            raise BadField("client_ip: not an IP address") from None
        return _with_texts(who, texts)

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
        who = self._enricher.web(head.peer, head.forwarded_for, head.agent, referrer, head.cf_country, principal)
        if principal is None or principal.user_text is None or who.viewer_user_id is None:
            return who
        return _with_texts(who, (ReferenceText(who.viewer_user_id, principal.user_text),))


def _with_texts(who: Visitor, texts: Texts) -> Visitor:
    return msgspec.structs.replace(who, texts=texts) if texts else who
