"""asyncpg under Trio, so that Trio's cancellation ends a wait for a frozen server.

The driver runs in a trio-asyncio loop. Cancelling an asyncio task of its that waits for a frozen server starts a second
conversation with that server and waits for it, so neither Trio's cancellation nor the driver's own timers end such a
wait. Here a cancelled command leaves its asyncio task behind and cuts the socket, synchronously; that ends the task.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

import outcome
import trio
import trio_asyncio

log = logging.getLogger(__name__)
T = TypeVar("T")

_sessions: Final[ContextVar[set[Any]]] = ContextVar("_sessions")


@asynccontextmanager
async def asyncpg_loop() -> AsyncIterator[None]:
    """Open the asyncio loop that the driver lives in. Once, at the root, around every task that uses the store.

    Sessions that are still open at the end are cut.
    """
    async with trio_asyncio.open_loop() as loop:  # type: ignore[attr-defined]
        # The default handler raises into the root: a stray error of an abandoned command would end the process.
        loop.set_exception_handler(_note_stray_error)
        sessions: set[Any] = set()
        _sessions.set(sessions)
        try:
            yield
        finally:
            for session in list(sessions):
                session.terminate()


def keep(session: Any) -> None:
    """Keep a session of the driver's until it ends, so that the garbage collector never finds one that is open.

    Its finalizer would cut the socket, and for that put a callback into the loop's queue, wherever the collector
    happens to run: also in the midst of the loop's taking from that queue, and then the loop sleeps on over a queue
    that is not empty and refuses every further callback.
    """
    sessions = _sessions.get()
    sessions.add(session)
    session.add_termination_listener(sessions.discard)


def _note_stray_error(_loop: object, context: dict[str, Any]) -> None:
    error = context.get("exception")
    log.warning(
        "stray error in the driver's loop: %s (%s)", context.get("message"), type(error).__name__, exc_info=error
    )


def _current_loop() -> Any:
    loop = trio_asyncio.current_loop.get()  # type: ignore[attr-defined]
    if loop is None:
        raise RuntimeError("no asyncio loop here: open vts.store.session.driver.asyncpg_loop() around this task")
    return loop


async def run_in_driver(coroutine: Coroutine[Any, Any, T], abandon: Callable[[asyncio.Task[T]], None]) -> T:
    """Run one asyncio coroutine. Trio's cancellation takes effect at once and calls `abandon`, which must not wait."""
    me = trio.lowlevel.current_task()
    task: asyncio.Task[T] = _current_loop().create_task(coroutine)
    left = False

    def arrive(_: asyncio.Task[T]) -> None:
        if not left:
            trio.lowlevel.reschedule(me, outcome.capture(task.result))

    def leave(_: Callable[[], Any]) -> trio.lowlevel.Abort:
        nonlocal left
        if task.done():  # its arrival is already on the way
            return trio.lowlevel.Abort.FAILED
        left = True
        task.add_done_callback(_forget)
        abandon(task)
        return trio.lowlevel.Abort.SUCCEEDED

    task.add_done_callback(arrive)
    result: T = await trio.lowlevel.wait_task_rescheduled(leave)
    return result


def cancel(task: asyncio.Task[Any]) -> None:
    """Abandon by cancelling: right while connecting, when there is no session yet to talk about."""
    task.cancel()


def _forget(task: asyncio.Task[Any]) -> None:
    """Look at the result of an abandoned task, so that asyncio does not log that it was never retrieved."""
    if not task.cancelled():
        task.exception()
