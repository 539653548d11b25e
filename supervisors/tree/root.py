"""The root of the tree: storage, admission, doors, in the order of dependency; the shutdown runs in reverse."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from supervisors.engine.child import Child
from supervisors.engine.policy import Policy
from supervisors.engine.supervisor import Supervisor
from supervisors.tree.admission import AdmissionGroup
from supervisors.tree.components import Components
from supervisors.tree.doors import Doors
from supervisors.tree.gauges import add_gauges
from supervisors.tree.renewables import renewables_of
from supervisors.tree.renewal import Renewal
from supervisors.tree.storage import Storage
from vts.model.faults import StoreUnavailable

ROOT_POLICY: Final = Policy(max_restarts=3, within_s=300.0)
GRACES: Final = {"storage": 6.0, "admission": 0.5, "doors": 5.0}


class Tree:
    """Everything that runs. `root` is its supervisor; the methods are for the command that starts and stops it."""

    def __init__(self, components: Components) -> None:
        self.components = components
        self.storage = Storage(components)
        self.doors = Doors(components, self.storage)
        self.renewal = Renewal(list(renewables_of(components, self.doors)))
        admission = AdmissionGroup(components, self.storage.hub)
        groups = (self.storage.supervisor(), admission.supervisor(), self.doors.supervisor())
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
        add_gauges(components, self.storage, self.doors)

    def reload(self) -> None:
        """Read certificates, the country file and the settings that may change again."""
        self.renewal.ask()

    def leave(self) -> None:
        """Begin the shutdown."""
        self.root.stop()

    async def wait_accepting(self) -> None:
        """Return when a door is open and an event that arrives now can be acknowledged."""
        await self.storage.catalog.loaded.wait()
        await self.components.doors_open.wait()

    def urls(self) -> dict[str, str]:
        """Return the addresses of this process, for the file that says that it is ready."""
        http, mqtt = self.components.settings.http, self.components.settings.mqtt
        host = f"[{http.host}]" if ":" in http.host else http.host
        scheme = "https" if http.tls_cert_file else "http"
        urls = {"http": f"{scheme}://{host}:{self.doors.door.port}"}
        if self.doors.direct is not None:
            scheme = "mqtts" if mqtt.tls_cert_file else "mqtt"
            urls["mqtt"] = f"{scheme}://{mqtt.listen.rpartition(':')[0]}:{self.doors.direct.port}"
        if self.components.embedded is not None:
            with suppress(StoreUnavailable):
                urls["database"] = self.components.embedded.url()
        return urls
