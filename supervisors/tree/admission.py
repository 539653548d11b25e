"""The second group: admission, with the gate's tables filled from the journal before any door opens, then aged."""

from __future__ import annotations

import trio

from supervisors.engine.child import Child
from supervisors.engine.supervisor import Supervisor
from supervisors.tree.clock import now_us
from supervisors.tree.components import WARM_US, Components
from vts.live.hub import Hub
from vts.model.day import DAY_US
from vts.model.view import ViewEvent


class AdmissionGroup:
    """The group between storage and doors."""

    def __init__(self, components: Components, hub: Hub) -> None:
        self._components = components
        self._hub = hub
        self._warm = False

    def supervisor(self) -> Supervisor:
        """Return the group."""
        children = [
            Child(name="admission", run=self._run),
            Child(name="site_admission", run=self._components.site_admission.run),
        ]
        children.append(Child(name="outcome_feed", run=self._components.outcome_feed.run))
        if self._components.rotation is not None:
            children.append(Child(name="visitor_keys", run=self._components.rotation.run))
        return Supervisor("admission", children, on_event=self._components.on_event)

    async def _run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fill the tables from the journal, once: they survive a crash of the actor. Then run admission."""
        if not self._warm:
            since_us = warm_since_us(now_us(), view_once=self._components.settings.capture.view_once)
            async for records in self._components.journal.recent(since_us):
                events = [record for record in records if isinstance(record, ViewEvent)]
                self._components.gate.warm(events)
                self._hub.warm(events)
            self._warm = True
        await self._components.admission.run(task_status=task_status)


def warm_since_us(now_us: int, *, view_once: bool) -> int:
    """Return since when the gate needs to know what was accepted: minutes for retries, or the day of `view_once`."""
    since_us = now_us - WARM_US
    return min(since_us, now_us - now_us % DAY_US) if view_once else since_us
