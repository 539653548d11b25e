"""The tree itself: storage, admission, doors. Order is dependency order, and the shutdown runs in reverse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from supervisors.engine.child import Child
from supervisors.engine.policy import Policy
from supervisors.engine.supervisor import Supervisor
from supervisors.tree.admission import AdmissionGroup
from supervisors.tree.components import Components, now_us
from supervisors.tree.doors import Doors
from supervisors.tree.renewal import Renewable, Renewal
from supervisors.tree.storage import Storage
from vts.live.hub import Hub
from vts.live.topics import who_may_see
from vts.model.faults import StoreUnavailable

ROOT_POLICY: Final = Policy(max_restarts=3, within_s=300.0)


class Tree:
    """Everything that runs. `root` is its supervisor; the rest is for whoever starts and stops it."""

    def __init__(self, components: Components) -> None:
        self.components = components
        live = components.settings.live
        self.storage = Storage(components)
        self.hub = Hub(
            self.storage.live_sources(),
            who_may_see(components.memory, public_top=components.is_private),
            clock=now_us,
            journal_id=lambda: components.journal.journal_id,
            clients_max=live.clients_max,
            clients_per_address=live.clients_per_address,
            holds=lambda principal: components.secrets.tokens.holds(principal, now_us() / 1e6),
            per_second=live.per_second,
        )
        self.storage.hub = self.hub
        self.admission = AdmissionGroup(components, self.hub)
        self.doors = Doors(components, self.storage, self.hub)
        self.renewal = Renewal([*self._certificates(), *components.renewables()])
        groups = (self.storage.supervisor(), self.admission.supervisor(), self.doors.supervisor())
        members = [
            Child(name=group.name, run=group.run, stop=group.stop, grace_s=GRACES[group.name]) for group in groups
        ]
        self.root = Supervisor(
            "root",
            [*members, Child(name="renewal", run=self.renewal.run)],
            strategy="rest_for_one",
            policy=ROOT_POLICY,
            on_event=components.on_event,
        )
        self._gauges()

    def reload(self) -> None:
        """Read certificates, the country file and what of the settings may change anew."""
        self.renewal.ask()

    def leave(self) -> None:
        """Begin the shutdown."""
        self.root.stop()

    async def wait_accepting(self) -> None:
        """Return when a door is open and an event that comes now can be acknowledged."""
        await self.storage.catalog.loaded.wait()
        await self.components.doors_open.wait()

    def urls(self) -> dict[str, str]:
        """Return where this process can be reached, for the file that says that it is ready."""
        http = self.components.settings.http
        host = f"[{http.host}]" if ":" in http.host else http.host
        scheme = "https" if http.tls_cert_file else "http"
        urls = {"http": f"{scheme}://{host}:{self.doors.door.port}"}
        if self.doors.direct is not None:
            scheme = "mqtts" if self.components.settings.mqtt.tls_cert_file else "mqtt"
            urls["mqtt"] = (
                f"{scheme}://{self.components.settings.mqtt.listen.rpartition(':')[0]}:{self.doors.direct.port}"
            )
        if self.components.embedded is not None:
            with suppress(StoreUnavailable):
                urls["database"] = self.components.embedded.url()
        return urls

    def _certificates(self) -> Iterator[Renewable]:
        for name, tls in (("certificate of http", self.doors.http_tls), ("certificate of mqtt", self.doors.mqtt_tls)):
            if tls is not None:
                yield Renewable(name=name, files=tls.files, renew=tls.renew)

    def _gauges(self) -> None:
        gauge, components = self.components.metrics.gauge, self.components
        gauge("vts_journal_depth", "Events that PostgreSQL does not have yet", lambda: components.journal.depth)
        gauge("vts_journal_bytes", "Bytes in use in the journal", lambda: components.journal.bytes)
        gauge(
            "vts_journal_quarantined",
            "Damaged rows and lost ranges of the journal",
            lambda: components.journal.quarantined,
        )
        gauge("vts_drain_lag_seconds", "Age of the oldest of them", lambda: components.journal.oldest_age_s)
        gauge("vts_live_clients", "Live connections", lambda: self.hub.clients)
        gauge("vts_live_topics", "Followed topics", lambda: self.hub.topics)
        gauge("vts_http_connections", "Connections at the door", lambda: self.doors.door.connections)
        gauge("vts_contents", "Contents in the catalog", lambda: components.memory.sizes()["contents"])
        gauge("vts_players", "Players in the catalog", lambda: components.memory.sizes()["players"])


GRACES: Final = {"storage": 6.0, "admission": 0.5, "doors": 5.0}
