"""Names any task step that holds the loop."""

from __future__ import annotations

import trio

from supervisors.report import OnEvent


class Watchdog(trio.abc.Instrument):
    """An instrument of the run."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
