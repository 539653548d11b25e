"""What opens: the web application, the broker's session, the endpoint for players, the door, the live counts.

The hub starts last and so is told first that it is over: its connections leave before the door waits for them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import msgspec
import trio
from trio_websocket import wrap_server_stream

from supervisors.engine.child import Child
from supervisors.engine.supervisor import Supervisor
from supervisors.tree.components import Components, now_us
from supervisors.tree.limits import limits_of
from supervisors.tree.storage import Storage
from vts.auth.tokens import BadToken
from vts.capture.events.decide import CaptureDecision
from vts.capture.events.imported import ImportedViews, Imports
from vts.capture.events.views import WebReports
from vts.capture.http.door import Door
from vts.capture.http.endings import LiveRequest
from vts.capture.http.handover import Handover
from vts.capture.http.limits import Limits
from vts.capture.mqtt.broker.address import Broker, broker_of
from vts.capture.mqtt.broker.probe import answers
from vts.capture.mqtt.broker.session import SessionOptions
from vts.capture.mqtt.broker.subscriber import MqttSubscriber
from vts.capture.mqtt.broker.tenure import BrokerSession
from vts.capture.mqtt.direct.endpoint import DirectEndpoint
from vts.capture.mqtt.direct.handshake import DirectLimits
from vts.capture.players.reactions import PlayerReactions
from vts.capture.players.reports import PlayerReports
from vts.capture.players.topics import Topics
from vts.capture.players.views import PlayerViews
from vts.capture.tls import ListenerTls, listener_tls
from vts.enrich.client_ip import Networks
from vts.enrich.pages import Pages
from vts.live import sse, upgrade, websocket
from vts.live.hub import Crowded, Hub
from vts.model.principal import Principal
from vts.query.analytics_load import engagement_facts, hours_facts, playlist_facts
from vts.query.artist_load import artist_facts
from vts.query.artist_posts_load import artist_posts
from vts.query.export.exports import Exports
from vts.query.site_load import site_facts
from vts.store.peers.leader import ANSWER_S, Leader, MemoryFile, session_name
from vts.store.session.connection import Connection
from vts.web.answers import Problem
from vts.web.app import create_app
from vts.web.services import Services

MQTT_GRACE_S: Final = 2.0
DOOR_GRACE_S: Final = 2.5  # requests under way end within milliseconds, or their client does not read
HUB_GRACE_S: Final = 1.0
SAID: Final = {"ok": "connected", "not connected": "connecting", "standby": "standby: another process reads it"}


@dataclass
class Doors:
    """The group that starts last and stops first."""

    components: Components
    storage: Storage
    hub: Hub
    services: Services = field(init=False)
    door: Door = field(init=False)
    leader: Leader | None = field(init=False, default=None)
    subscriber: BrokerSession | MqttSubscriber | None = field(init=False, default=None)
    direct: DirectEndpoint | None = field(init=False, default=None)
    http_tls: ListenerTls | None = field(init=False)
    mqtt_tls: ListenerTls | None = field(init=False)

    def __post_init__(self) -> None:
        """Build every door. Raises BadStart for certificates and addresses that are none."""
        http, mqtt = self.components.settings.http, self.components.settings.mqtt
        self.http_tls = listener_tls(http.tls_cert_file, http.tls_key_file)
        self.mqtt_tls = listener_tls(mqtt.tls_cert_file, mqtt.tls_key_file, mqtt.client_ca_file)
        self._reports = self._player_reports()
        self._decision = self._make_decision()
        self.services = self._make_services()
        self._handover = Handover(create_app(self.services, self._limits()), self._bug, self._limits().write_timeout_s)
        self.door = self._make_door()
        self.subscriber = self._make_subscriber()
        self.direct = self._make_direct()

    def supervisor(self) -> Supervisor:
        """Return the group; started last is stopped first."""
        children = [Child(name="web", run=self._handover.run)]
        if self.leader is not None:
            children.append(Child(name="leader", run=self.leader.run))  # has the lock until the session is given up
        if self.subscriber is not None:
            run, stop = self.subscriber.run, self.subscriber.stop
            children.append(Child(name="mqtt", run=run, stop=stop, grace_s=MQTT_GRACE_S))
        if self.direct is not None:
            run, stop = self.direct.run, self.direct.stop
            children.append(Child(name="mqtt_direct", run=run, stop=stop, grace_s=MQTT_GRACE_S))
        children.append(Child(name="door", run=self.door.run, stop=self.door.stop, grace_s=DOOR_GRACE_S))
        children.append(Child(name="live", run=self.hub.run, stop=self.hub.stop, grace_s=HUB_GRACE_S))
        return Supervisor("doors", children, on_event=self.components.on_event)

    # ---- capture

    def _player_reports(self) -> PlayerReports:
        components = self.components
        catalog, count = components.memory, components.metrics.count
        return PlayerReports(
            topics=Topics(components.settings.mqtt.topic_prefix),
            views=PlayerViews(enricher=components.enricher, catalog=catalog, count=count),
            reactions=PlayerReactions(catalog=catalog, react=self.storage.react, count=count),
            catalog=catalog,
            admission=components.admission,
            on_status=lambda key, status: components.metrics.note("player_status"),
            count=count,
            clock=now_us,
        )

    def _make_decision(self) -> CaptureDecision:
        components = self.components
        return CaptureDecision(
            admission=components.admission,
            enricher=components.enricher,
            tokens=components.secrets.tokens,
            catalog=components.memory,
            site=components.site_admission,
            page_of=Pages(components.settings.site.page_rules, components.settings.site.page_strip).page_of,
            player_view=self._reports.receive,
            clock=now_us,
            count=components.metrics.count,
            on_ignored=lambda name: components.metrics.note(f"ignored_{name}"),
            limits=self._limits(),
        )

    def _limits(self) -> Limits:
        return limits_of(self.components.settings.http)

    def _make_door(self) -> Door:
        http = self.components.settings.http
        return Door(
            receive=self._decision.receive_soon,
            hand_over=self._handover.serve,
            on_websocket=self._serve_live,
            clock=now_us,
            host=http.host,
            port=http.port,
            tls=self.http_tls,
            limits=self._limits(),
            on_refused=lambda code: self.components.metrics.note(f"refused_{code}"),
            on_bug=self._bug,
        )

    def _make_subscriber(self) -> BrokerSession | MqttSubscriber | None:
        """Return what reads the broker: every process for itself in a shared subscription, else the one that leads."""
        mqtt = self.components.settings.mqtt
        if not mqtt.url:
            return None
        broker = broker_of(mqtt.url, mqtt.ca_file)
        if mqtt.share_group:
            return self._subscribe(broker, mqtt.client_id or f"vts-{self.components.process_id}")
        memory = MemoryFile(self.components.folder / "leader.json")
        self.leader = Leader(
            self._leader_session, memory, lambda database: mqtt.client_id or session_name(database, mqtt.topic_prefix)
        )
        probe = partial(answers, broker.dial, self._session_options(broker, ""))
        return BrokerSession(self.leader, partial(self._subscribe, broker), probe)

    async def _leader_session(self) -> Connection:
        if self.components.embedded is not None:
            await self.components.embedded.wait_ready()
        name = f"vts mqtt {socket.gethostname()[:40]} {os.getpid()}"
        return await self.components.database.connect("reader", command_timeout_s=ANSWER_S, name=name)

    def _subscribe(self, broker: Broker, client_id: str) -> MqttSubscriber:
        return MqttSubscriber(broker.dial, self._session_options(broker, client_id), self._reports)

    def _session_options(self, broker: Broker, client_id: str) -> SessionOptions:
        mqtt = self.components.settings.mqtt
        prefix = f"$share/{mqtt.share_group}/" if mqtt.share_group else ""
        return SessionOptions(
            client_id=client_id,
            username=broker.username,
            password=broker.password,
            filters=[prefix + one for one in self._reports.topics.filters],
            keep_alive_s=mqtt.keep_alive_s,
            session_expiry_s=mqtt.session_expiry_s,
            receive_maximum=mqtt.receive_maximum,
            packet_max_bytes=mqtt.packet_max_bytes,
        )

    def _make_direct(self) -> DirectEndpoint | None:
        mqtt = self.components.settings.mqtt
        if not mqtt.listen:
            return None
        host, _, port = mqtt.listen.rpartition(":")
        limits = DirectLimits(receive_maximum=mqtt.receive_maximum, packet_max_bytes=mqtt.packet_max_bytes)
        address = (host.strip("[]"), int(port))
        return DirectEndpoint(address, limits, self._reports, self.components.memory, self.mqtt_tls)

    # ---- live counts

    async def _serve_live(self, request: LiveRequest, stream: trio.abc.Stream) -> None:
        settings = self.components.settings
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
        origins, hosts = frozenset(settings.http.allowed_origins), self.components.own_hosts
        rules = upgrade.Rules(origins, anonymous=self.components.is_private, hosts=hosts)
        verdict = upgrade.judge(headers, request.query, rules=rules, verify=self._verify, redeem=self._redeem)
        async with trio.open_nursery() as nursery:
            asked = await wrap_server_stream(nursery, stream, max_message_size=websocket.MESSAGE_MAX_CHARS)
            match verdict:
                case upgrade.Welcome(principal):
                    await websocket.serve(asked, self.hub, principal, address=request.peer, deadlines=self._deadlines())
                case upgrade.Turned(status, error, code):
                    body = msgspec.json.encode({"error": error, "error_code": code})
                    extra = [(b"content-type", b"application/json")]
                    if status == 401:
                        extra.append((b"www-authenticate", b"Bearer"))
                    await asked.reject(status, extra_headers=extra, body=body)
            nursery.cancel_scope.cancel()

    def _deadlines(self) -> websocket.Deadlines:
        live = self.components.settings.live
        return websocket.Deadlines(
            write_s=live.write_deadline_s, ping_s=live.ping_s, frame_max_bytes=live.frame_max_bytes
        )

    def _verify(self, token: str) -> Principal | None:
        try:
            return self.components.secrets.tokens.verify(token, now_us() / 1e6)
        except BadToken:
            return None

    def _redeem(self, ticket: str) -> Principal | None:
        return self.components.tickets.redeem(ticket, now_us() / 1e6)

    async def _live_events(self, principal: Principal | None, topics: str, address: str) -> AsyncIterator[bytes]:
        try:
            async for piece in sse.events(self.hub, principal, topics, address=address):
                yield piece
        except Crowded as why:
            raise Problem(503, str(why), "unavailable", {"Retry-After": "5"}) from None

    # ---- the web

    def _make_services(self) -> Services:
        components, storage = self.components, self.storage
        return Services(
            clock=now_us,
            catalog=components.memory,
            tokens=components.secrets.tokens,
            tickets=components.tickets,
            live_events=self._live_events,
            anonymous_live=self.components.is_private,
            allowed_origins=frozenset(components.settings.http.allowed_origins),
            hosts=components.own_hosts,
            public_url=components.settings.http.public_url.rstrip("/"),
            trusted_proxies=Networks(components.settings.http.trusted_proxies),
            upsert_contents=storage.upsert_contents,
            upsert_players=storage.upsert_players,
            delete_content=storage.delete_content,
            delete_player=storage.delete_player,
            react=storage.react,
            comment=storage.comment,
            post_facts=storage.post_facts,
            post_views=storage.post_views,
            artist_facts=partial(artist_facts, components.readers),
            artist_posts=partial(artist_posts, components.readers),
            site_facts=partial(site_facts, components.readers),
            engagement_facts=partial(engagement_facts, components.readers),
            hours_facts=partial(hours_facts, components.readers),
            playlist_facts=partial(playlist_facts, components.readers),
            exports=Exports(storage.export_session, components.folder / "exports"),
            imports=self._imports(),
            audit=storage.audit,
            audit_page=storage.audit_page,
            person_tables=storage.persons.tables,
            erase_person=storage.persons.erase,
            lag_s=storage.lag_s,
            accepting=self.accepting,
            readiness=self.readiness,
            metrics=components.metrics.render,
            status=self.status,
        )

    def _imports(self) -> Imports:
        components, storage = self.components, self.storage
        reports = WebReports(components.enricher, lambda name: components.metrics.note(f"ignored_{name}"))
        return Imports(
            strict=components.settings.catalog.mode == "strict",
            raw_days=components.settings.retention.raw_days,
            views=ImportedViews(reports, components.secrets.identities),
            submit=components.admission.submit,
            merge_daily=storage.import_daily,
            merge_views=storage.import_views,
        )

    def accepting(self) -> bool:
        """Whether an event that comes now can be acknowledged."""
        return self.components.memory.ready and not self.components.journal.refusing

    def readiness(self) -> dict[str, str]:
        """Return every part and how it is; a broker that is not connected is not ok."""
        states = dict(self.components.states)
        states["database"] = self.storage.state()
        if states.get("drain") == "ok":
            states["drain"] = self.storage.drain.state(self.components.journal.oldest_age_s)
        states["catalog_loaded"] = "ok" if self.components.memory.ready else "no catalog yet"
        states["journal"] = self._journal_state()
        if self.subscriber is not None:
            states["mqtt"] = self._broker_state()
        return states

    def _journal_state(self) -> str:
        if self.components.journal.refusing:
            return "refusing"
        if self.components.journal.quarantined:
            return "rows were set aside: run `vts journal check`"
        return "ok"

    def _broker_state(self) -> str:
        match self.subscriber:
            case BrokerSession():
                return self.subscriber.state
            case MqttSubscriber():
                return "ok" if self.subscriber.connected else "not connected"
            case None:
                return "none"

    def status(self) -> dict[str, Any]:
        """Return what the first page says is running."""
        sizes = self.components.memory.sizes()
        return {
            "Events": "accepted" if self.accepting() else "refused",
            "Database": ("embedded, " if self.components.embedded else "yours, ") + self.storage.state(),
            "MQTT broker": SAID.get(broker := self._broker_state(), broker),
            "Contents": sizes["contents"],
            "Players": sizes["players"],
            "Waiting in the journal": self.components.journal.depth,
        }

    def _bug(self, bug: Exception) -> None:
        self.components.contained(bug)
