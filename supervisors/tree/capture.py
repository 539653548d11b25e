"""The way of an event: reports of players, decisions over HTTP, and the door, built of the components."""

from __future__ import annotations

from supervisors.tree.clock import now_us
from supervisors.tree.components import Components
from supervisors.tree.limits import limits_of
from vts.capture.events.decide import CaptureDecision
from vts.capture.events.parts import Admissions, Senders, reports_of
from vts.capture.http.connection import DoorEvents
from vts.capture.http.door import Door, Handlers, ListenAddress
from vts.capture.http.handover import Handover
from vts.capture.players.reactions import PlayerReactions
from vts.capture.players.reports import PlayerReports
from vts.capture.players.topics import Topics
from vts.capture.players.views import PlayerViews
from vts.capture.tls import ListenerTls
from vts.enrich.pages import Pages
from vts.live.handshake import Handshake
from vts.service.known_counts import KnownCounts
from vts.service.reactions import Reactions


def player_reports_of(components: Components, reactions: Reactions) -> PlayerReports:
    """Return what decides the reports of players, by whichever way they come."""
    catalog, count = components.memory, components.metrics.count
    return PlayerReports(
        topics=Topics(components.settings.mqtt.topic_prefix),
        views=PlayerViews(
            enricher=components.enricher,
            catalog=catalog,
            count=count,
            on_refused=components.outcome_feed.counting(count),
            unknown_intent=components.settings.capture.unknown_intent,
        ),
        reactions=PlayerReactions(catalog=catalog, react=reactions.react, count=count),
        catalog=catalog,
        admission=components.admission,
        presence=components.presence,
        count=count,
        clock=now_us,
    )


def decision_of(components: Components, reports: PlayerReports) -> CaptureDecision:
    """Return what decides capture requests over HTTP."""
    site, metrics, capture = components.settings.site, components.metrics, components.settings.capture
    pages = Pages(site.page_rules, site.page_strip)
    return CaptureDecision(
        admissions=Admissions(views=components.admission, site=components.site_admission, player_view=reports.receive),
        reports=reports_of(
            components.enricher, components.memory, pages.page_of, metrics.ignored, capture.unknown_intent
        ),
        senders=Senders(tokens=components.secrets.tokens, catalog=components.memory),
        clock=now_us,
        on_refused=components.outcome_feed.counting(metrics.count),
        limits=limits_of(components.settings.http),
        says_counted=capture.post_view_status == "201_204",
    )


def door_of(
    components: Components,
    decision: CaptureDecision,
    handover: Handover,
    handshake: Handshake,
    known: KnownCounts,
    tls: ListenerTls | None,
) -> Door:
    """Return the door: it decides capture requests itself and hands every other request over."""
    http, metrics = components.settings.http, components.metrics
    return Door(
        handlers=Handlers(
            decide=decision.decide, hand_over=handover.serve, on_websocket=handshake.serve, known=known.reply
        ),
        clock=now_us,
        address=ListenAddress(host=http.host, port=http.port, tls=tls),
        limits=limits_of(http),
        events=DoorEvents(on_refused=lambda code: metrics.note(f"refused_{code}"), on_bug=components.contained),
    )
