"""The live counts: the hub, the handshake of a WebSocket, and server-sent events, built of the components."""

from __future__ import annotations

from collections.abc import AsyncIterator

from supervisors.tree.clock import now_us
from supervisors.tree.components import Components
from vts.live import sse
from vts.live.handshake import Handshake
from vts.live.hub import Hub
from vts.live.public import PublicBounds
from vts.live.sources import DatabaseSources
from vts.live.topics import is_open_in, who_may_see
from vts.live.upgrade import Rules
from vts.live.websocket import Deadlines
from vts.model.principal import Principal
from vts.store.drain.waterline import Waterline
from vts.web.services import LiveEvents


def hub_of(components: Components, waterline: Waterline) -> Hub:
    """Return the hub."""
    live, accepted = components.settings.live, components.sessions
    sources = DatabaseSources(components.readers, waterline, components.memory, components.keys)
    return Hub(
        sources.sources(),
        who_may_see(components.memory, public_top=components.is_private),
        clock=now_us,
        journal_id=lambda: components.journal.journal_id,
        clients_max=live.clients_max,
        clients_per_address=live.clients_per_address,
        holds=lambda principal: accepted.holds(principal, now_us() / 1e6),
        public=PublicBounds(live.public_clients_max, live.public_clients_per_address, live.public_topics_max),
        is_open=is_open_in(components.memory),
        per_second=live.per_second,
    )


def handshake_of(components: Components, hub: Hub) -> Handshake:
    """Return what serves the requests for a WebSocket."""
    live, http = components.settings.live, components.settings.http
    return Handshake(
        hub=hub,
        rules=Rules(frozenset(http.allowed_origins), anonymous=components.is_private, hosts=components.own_hosts),
        deadlines=Deadlines(write_s=live.write_deadline_s, ping_s=live.ping_s, frame_max_bytes=live.frame_max_bytes),
        tokens=components.secrets.tokens,
        tickets=components.tickets,
        sessions=components.sessions,
        schemes=components.schemes,
        clock=now_us,
    )


def live_events_of(hub: Hub) -> LiveEvents:
    """Return what gives server-sent events."""

    def events(principal: Principal | None, topics: str, client: str, is_everyone: bool) -> AsyncIterator[bytes]:
        return sse.events(hub, principal, topics, address=client, is_public=is_everyone)

    return events
