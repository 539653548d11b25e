"""From what a web client said to a report for the gate: its fields checked, its sender enriched."""

from __future__ import annotations

from typing import Final

from vts.capture.events.view_fields import (
    PostView,
    View,
    channel_of,
    on_behalf_of,
    source_of,
    view_type_of,
)
from vts.capture.fields import BadField, Ignored, event_id_of, play_order_of
from vts.capture.http.request import CaptureHead, Route
from vts.enrich.enrich import Enricher, Visitor
from vts.model.principal import Principal
from vts.model.view import Report

VISITORS_REMEMBERED: Final = 32  # referrers of one head; a page has one, a batch a few


class WebReports:
    """Makes reports of events that came by HTTP from anybody but players."""

    def __init__(self, enricher: Enricher, ignored: Ignored) -> None:
        self._enricher = enricher
        self._ignored = ignored

    def make(
        self,
        head: CaptureHead,
        principal: Principal | None,
        said: View | PostView,
        post_id: int,
        default_type: str,
        now_us: int,
    ) -> Report:
        """Return an event as the gate wants it. Raises BadField.

        `post_id` and `default_type` are the route's; `now_us` is when it arrived.
        """
        ignored = self._ignored
        who = self._visitor(head, principal, said)
        local = self._enricher.local_time(said.local_datetime, said.local_timezone, now_us)
        return Report(
            post_id=post_id,
            arrived_us=now_us,
            viewer_key=who.viewer_key,
            key_version=who.key_version,
            view_source="web" if said.source is None else source_of(said, "web", ignored),
            view_type=default_type if said.view_type is None else view_type_of(said, default_type, ignored),
            event_id=None if said.event_id is None else event_id_of(said.event_id),
            viewer_user_id=who.viewer_user_id,
            authenticated=who.authenticated,
            trusted=who.trusted,
            bot=who.bot,
            address_key=who.address_key,
            country_code=who.country_code,
            device_type=who.device_type,
            user_agent_hash=who.user_agent_hash,
            referrer_domain=who.referrer_domain,
            local_datetime=local.datetime,
            local_timezone=local.timezone,
            local_hour=local.hour,
            local_weekday=local.weekday,
            play_order=None if said.play_order is None else play_order_of(said.play_order, ignored),
            channel=None if said.channel is None else channel_of(said, ignored),
            channel_context=said.channel_context or None,
            playlist_id=said.playlist_id or None,
        )

    def _visitor(self, head: CaptureHead, principal: Principal | None, said: View | PostView) -> Visitor:
        referrer = said.referrer if said.referrer or head.route is not Route.PIXEL else head.referer
        if principal is not None:
            return self._known_visitor(head, principal, said, referrer)
        # A page sends all its views over one connection: who looks at them is found out once.
        who = head.visitors.get(referrer)
        if who is None or who.key_version != self._enricher.passing_version:
            who = self._enricher.web(head.peer, head.forwarded_for, head.agent, referrer, head.cf_country, None)
            if len(head.visitors) < VISITORS_REMEMBERED:
                head.visitors[referrer] = who
        return who

    def _known_visitor(
        self, head: CaptureHead, principal: Principal, said: View | PostView, referrer: str | None
    ) -> Visitor:
        if principal.is_service and (on_behalf := on_behalf_of(said)):
            try:
                return self._enricher.reported(
                    principal,
                    head.peer,
                    referrer,
                    client_ip=on_behalf.client_ip,
                    user_agent=on_behalf.user_agent,
                    user_id=on_behalf.user_id,
                )
            except ValueError:
                raise BadField("client_ip: not an IP address") from None
        return self._enricher.web(head.peer, head.forwarded_for, head.agent, referrer, head.cf_country, principal)
