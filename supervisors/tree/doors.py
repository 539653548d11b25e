"""The group that starts last and stops first: the web application, MQTT, the door, the live counts.

The hub starts last and so stops first: its connections end before the door waits for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from supervisors.engine.child import Child
from supervisors.engine.supervisor import Supervisor
from supervisors.tree.capture import decision_of, door_of, player_reports_of
from supervisors.tree.components import Components
from supervisors.tree.limits import limits_of
from supervisors.tree.live import handshake_of
from supervisors.tree.mqtt import broker_reading_of, endpoint_of
from supervisors.tree.services import services_of, writer_of
from supervisors.tree.storage import Storage
from vts.capture.http.handover import Handover
from vts.capture.tls import listener_tls
from vts.service.reactions import Reactions
from vts.web.app import create_app

MQTT_GRACE_S: Final = 2.0
DOOR_GRACE_S: Final = 2.5  # requests under way end within milliseconds, unless their client does not read
HUB_GRACE_S: Final = 1.0


class Doors:
    """Everything that a client connects to, or that connects to a broker. Raises BadStart for a setting that is bad."""

    def __init__(self, components: Components, storage: Storage) -> None:
        http, mqtt = components.settings.http, components.settings.mqtt
        limits, writer = limits_of(http), writer_of(components)
        self._components = components
        self._hub = storage.hub
        self.http_tls = listener_tls(http.tls_cert_file, http.tls_key_file)
        self.mqtt_tls = listener_tls(mqtt.tls_cert_file, mqtt.tls_key_file, mqtt.client_ca_file)
        reports = player_reports_of(components, Reactions(writer, components.enricher))
        self.broker = broker = broker_reading_of(components, storage.sessions, reports)
        services = services_of(components, storage, writer, lambda: None if broker is None else broker.state)
        self.sign_in = services.signing.sign_in
        self._handover = Handover(create_app(services, limits))
        decision, handshake = decision_of(components, reports), handshake_of(components, storage.hub)
        self.door = door_of(components, decision, self._handover, handshake, storage.known_counts, self.http_tls)
        self.direct = endpoint_of(components, reports, self.mqtt_tls)

    def supervisor(self) -> Supervisor:
        """Return the group; started last is stopped first."""
        children = [
            Child(name="web", run=self._handover.run),
            *self._mqtt(),
            Child(name="door", run=self.door.run, stop=self.door.stop, grace_s=DOOR_GRACE_S),
            Child(name="live", run=self._hub.run, stop=self._hub.stop, grace_s=HUB_GRACE_S),
        ]
        return Supervisor("doors", children, on_event=self._components.on_event)

    def _mqtt(self) -> Iterator[Child]:
        if self.broker is not None:
            if self.broker.leader is not None:
                yield Child(name="leader", run=self.broker.leader.run)  # its lock is held until the session has ended
            subscriber = self.broker.subscriber
            yield Child(name="mqtt", run=subscriber.run, stop=subscriber.stop, grace_s=MQTT_GRACE_S)
        if self.direct is not None:
            yield Child(name="mqtt_direct", run=self.direct.run, stop=self.direct.stop, grace_s=MQTT_GRACE_S)
