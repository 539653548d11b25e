"""The ways of players over MQTT: the session with a broker, and the endpoint that players connect to themselves."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, replace
from functools import partial

from config.settings import Mqtt
from supervisors.tree.components import Components
from supervisors.tree.sessions import Sessions
from vts.capture.mqtt.broker.address import Broker, broker_of
from vts.capture.mqtt.broker.probe import answers
from vts.capture.mqtt.broker.session import SessionOptions
from vts.capture.mqtt.broker.subscriber import MqttSubscriber
from vts.capture.mqtt.broker.tenure import BrokerSession
from vts.capture.mqtt.direct.endpoint import DirectEndpoint
from vts.capture.mqtt.direct.handshake import DirectLimits
from vts.capture.players.reports import PlayerReports
from vts.capture.tls import ListenerTls
from vts.store.peers.broker_lock import session_name
from vts.store.peers.leader import ANSWER_S, Leader
from vts.store.peers.leader_memory import LeaderMemoryFile


@dataclass(frozen=True, slots=True)
class BrokerReading:
    """What reads the broker. `leader` is None in a shared subscription, which every process reads."""

    subscriber: BrokerSession | MqttSubscriber
    leader: Leader | None

    @property
    def state(self) -> str:
        """ "ok", "standby", or what is missing."""
        if isinstance(self.subscriber, BrokerSession):
            return self.subscriber.state
        return "ok" if self.subscriber.connected else "not connected"


def broker_reading_of(components: Components, sessions: Sessions, reports: PlayerReports) -> BrokerReading | None:
    """Return what reads the broker, None when no broker is set. Raises BadStart."""
    mqtt = components.settings.mqtt
    if not mqtt.url:
        return None
    reports = replace(reports, refuses_foreign=mqtt.foreign_requests == "refuse")
    broker = broker_of(mqtt.url, mqtt.ca_file)

    def subscribe(client_id: str) -> MqttSubscriber:
        return MqttSubscriber(broker.dial, _options(mqtt, broker, client_id, reports), reports)

    if mqtt.share_group:
        return BrokerReading(subscribe(mqtt.client_id or f"vts-{components.process_id}"), None)
    leader = Leader(
        partial(sessions.leader, f"vts mqtt {socket.gethostname()[:40]} {os.getpid()}", ANSWER_S),
        LeaderMemoryFile(components.folder / "leader.json"),
        lambda database: mqtt.client_id or session_name(database, mqtt.topic_prefix),
    )
    probe = partial(answers, broker.dial, _options(mqtt, broker, "", reports))
    return BrokerReading(BrokerSession(leader, subscribe, probe), leader)


def endpoint_of(components: Components, reports: PlayerReports, tls: ListenerTls | None) -> DirectEndpoint | None:
    """Return the endpoint that players connect to, None when none is set."""
    mqtt = components.settings.mqtt
    if not mqtt.listen:
        return None
    host, _, port = mqtt.listen.rpartition(":")
    limits = DirectLimits(receive_maximum=mqtt.receive_maximum, packet_max_bytes=mqtt.packet_max_bytes)
    return DirectEndpoint((host.strip("[]"), int(port)), limits, reports, components.memory, tls)


def _options(mqtt: Mqtt, broker: Broker, client_id: str, reports: PlayerReports) -> SessionOptions:
    prefix = f"$share/{mqtt.share_group}/" if mqtt.share_group else ""
    return SessionOptions(
        client_id=client_id,
        username=broker.username,
        password=broker.password,
        filters=[prefix + one for one in reports.topics.filters],
        keep_alive_s=mqtt.keep_alive_s,
        session_expiry_s=mqtt.session_expiry_s,
        receive_maximum=mqtt.receive_maximum,
        packet_max_bytes=mqtt.packet_max_bytes,
    )
