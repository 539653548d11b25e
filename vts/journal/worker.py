"""One long-lived thread that makes blocking calls, one after another, while the loop goes on.

A thread per kind of work, not `trio.to_thread` per call: a call costs one queue put and one wake-up, the calls keep
their order, and SQLite sees one connection in one thread for life. Measured (2 cores, commit of 1, 20 and 128 entries):
2,450, 2,070 and 880 commits/s with 0.11 to 0.15 ms added to SQLite's own 0.2 to 0.3 ms, against 2,180, 1,640 and 830
commits/s and 0.15 to 0.2 ms added through `trio.to_thread`.

The thread needs the GIL several times in a commit. A loop that waits for its commits leaves it enough (1 ms a commit at
20,000 requests/s, with any switch interval). Beside a drain that computes it waits a switch interval each time, so
`vts serve` makes that half a millisecond.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

import trio

T = TypeVar("T")


class Call(Generic[T]):
    """A call under way. It ends in the loop's thread, also when no task waits for it any more."""

    __slots__ = ("_do", "_done", "_event", "_on_done", "_token", "fault", "value")

    def __init__(self, do: Callable[[], T], on_done: Callable[[Call[T]], None] | None) -> None:
        self._do: Callable[[], T] | None = do
        self._on_done = on_done
        self._token = trio.lowlevel.current_trio_token()
        self._event = trio.Event()
        self.value: T | None = None
        self.fault: Exception | None = None

    def perform(self) -> None:
        """Make the call. In the worker's thread."""
        do, self._do = self._do, None
        assert do is not None
        try:
            self.value = do()
        except Exception as error:
            self.fault = error
        try:
            self._token.run_sync_soon(self._finish)
        except trio.RunFinishedError:
            return  # the process is ending: what the call did is on disk, and no task waits

    def _finish(self) -> None:
        try:
            if self._on_done is not None:
                self._on_done(self)
        except Exception as error:
            self.fault = error  # an exception here would end the whole run: the waiting task raises it instead
        finally:
            self._event.set()

    async def over(self) -> None:
        """Return when the call has ended, well or not."""
        await self._event.wait()

    async def wait(self) -> T:
        """Return the call's value or raise its fault. Cancelling leaves the call running to its end."""
        await self._event.wait()
        if self.fault is not None:
            raise self.fault
        return self.value  # type: ignore[return-value]


class Worker:
    """The thread. It starts with the first call and never keeps the process alive."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[Call[Any] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self, do: Callable[[], T], on_done: Callable[[Call[T]], None] | None = None) -> Call[T]:
        """Queue a call. `on_done` runs in the loop, exactly once, before any waiter."""
        call = Call(do, on_done)
        if self._thread is None:
            self._thread = threading.Thread(target=_work, args=(self._calls,), name=self._name, daemon=True)
            self._thread.start()
        self._calls.put(call)
        return call

    async def call(self, do: Callable[[], T]) -> T:
        """Make a call and wait for it."""
        return await self.start(do).wait()

    def stop(self) -> None:
        """End the thread after the calls that are queued. A later call starts a new one."""
        if self._thread is not None:
            self._calls.put(None)
            self._thread = None
            self._calls = SimpleQueue()


def _work(calls: SimpleQueue[Call[Any] | None]) -> None:
    while (call := calls.get()) is not None:
        call.perform()
        del call  # a waiting thread keeps no batch alive
