"""Names any task step that holds the loop: while it runs, no other task runs.

The instrument notes when a step begins; a thread looks, and notes the stack of a step that is overdue. The event is
sent when the step ends, with its duration.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from types import FrameType
from typing import Final

import trio

from supervisors.engine.events import LoopHeld, OnEvent

HELD_S: Final = 0.1
LOOK_EVERY_S: Final = 0.02
FRAMES: Final = 5  # innermost ones; the rest is the framework


class Watchdog(trio.abc.Instrument):
    """An instrument of the run. `on_event` is called in the loop, after the step, with `LoopHeld`."""

    def __init__(self, on_event: OnEvent, held_s: float = HELD_S) -> None:
        self._on_event = on_event
        self._held_s = held_s
        self._since = 0.0  # when the running step began, 0 between steps
        self._where = ""
        self._over = threading.Event()
        self._thread_id = 0

    def before_run(self) -> None:
        """Start the thread."""
        self._thread_id = threading.get_ident()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def after_run(self) -> None:
        """End the thread."""
        self._over.set()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Note when a step begins."""
        self._since = time.perf_counter()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Report a step that took too long."""
        since, self._since = self._since, 0.0
        held_s = time.perf_counter() - since
        if held_s > self._held_s:
            where, self._where = self._where, ""
            self._on_event(LoopHeld(task.name, held_s * 1000, where or "not seen"))

    def _watch(self) -> None:
        seen = 0.0
        while not self._over.wait(LOOK_EVERY_S):
            since = self._since
            if since and since != seen and time.perf_counter() - since > self._held_s:
                seen = since
                self._where = _places(sys._current_frames().get(self._thread_id))


def _places(frame: FrameType | None) -> str:
    """Return the innermost frames, the innermost first."""
    frames = traceback.extract_stack(frame)[-FRAMES:]
    return " < ".join(f"{one.filename.rpartition('/')[2]}:{one.lineno} {one.name}" for one in reversed(frames))
