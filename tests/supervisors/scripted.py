"""Actors that follow a script of faults, and a notebook of what supervision did."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import trio

from supervisors.engine.child import Child
from supervisors.engine.events import Event


@dataclass
class Notebook:
    """Every event of supervision, in order."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type) -> list[str]:
        """Names in events of one kind."""
        return [event.name for event in self.events if isinstance(event, kind)]


class Actor:
    """Runs for ever, but for the faults of its script: each is raised after so many seconds of running."""

    def __init__(self, name: str, faults: Iterable[tuple[float, Exception]] = (), *, deaf: bool = False) -> None:
        self.name = name
        self.faults = list(faults)
        self.deaf = deaf
        self.starts: list[float] = []
        self.ends: list[float] = []
        self.asked = 0
        self._end = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        self.starts.append(trio.current_time())
        task_status.started()
        try:
            if self.faults:
                after_s, fault = self.faults.pop(0)
                await trio.sleep(after_s)
                raise fault
            await self._end.wait()
        finally:
            self.ends.append(trio.current_time())

    def stop(self) -> None:
        self.asked += 1
        if not self.deaf:
            self._end.set()

    def child(self, grace_s: float = 2.0, stop: Callable[[], None] | None = None) -> Child:
        return Child(name=self.name, run=self.run, stop=stop or self.stop, grace_s=grace_s)
