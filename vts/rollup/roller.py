"""The roller: closed days are recounted from raw rows soon after midnight, old raw rows are dropped after that.

Killed anywhere it leaves every day as it was: a day is put in place in one transaction. It never tries again by itself:
StoreUnavailable ends `run`, and what is to do is read from the database by the next one.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, NamedTuple, assert_never

import trio

from vts.model.day import SECOND_US, date_of, day_of
from vts.model.ports import Clock
from vts.rollup.authors import reopen
from vts.rollup.days import REROLL_US, Day, is_droppable, is_due, may_reopen, read_days
from vts.rollup.recount import prepare
from vts.rollup.replace import Kept, Moving, Outcome, Rolled, roll_day
from vts.rollup.retention import drop_day
from vts.rollup.turn import Turn, in_turn
from vts.store.session.connection import Connection

log: Final = logging.getLogger(__name__)

DAY_TIMEOUT_S: Final = 900.0  # the longest command of a recount: a slice of the largest day we can think of
START_S: Final = 5.0  # a start belongs to the doors and to the journal's backlog
LOOK_EVERY_S: Final = 60.0
SETTLE_S: Final = 60.0  # after midnight: what is acknowledged is drained by then
JITTER_S: Final = 240.0  # and not all processes of all sites at once
SAY_EVERY: Final = 0.25  # of a day, in the log
LONG_S: Final = 10.0  # a day that takes longer has its progress in the log


class _Plan(NamedTuple):
    """Days that owners may have become known for, days to roll up, days to drop."""

    unsure: list[Day]
    due: list[Day]
    droppable: list[Day]


class Roller:
    """The actor. One process at a time works, the others look every minute whether it is their turn."""

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[Connection]],
        connect_owner: Callable[[], Awaitable[Connection]],
        connect_turn: Callable[[], Awaitable[Connection]],
        raw_days: int,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        """`connect` gives sessions of the writer with DAY_TIMEOUT_S for a command, `connect_turn` with ANSWER_S.

        `chance` is a number from 0 to 1.
        """
        self._connect = connect
        self._connect_owner = connect_owner
        self._connect_turn = connect_turn
        self._raw_days = raw_days
        self._clock = clock
        self._after_midnight_us = round((SETTLE_S + chance() * JITTER_S) * SECOND_US)
        self._scope = trio.CancelScope()
        self._moving: dict[int, int] = {}
        self._clean_at_us = clock()
        self.waiting = 0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Roll and drop what is due, now and for ever, until `stop`. Raises StoreUnavailable."""
        task_status.started()
        with trio.CancelScope() as self._scope:
            await trio.sleep(START_S)
            while True:
                await self.look()
                await trio.sleep(LOOK_EVERY_S)

    def stop(self) -> None:
        """End `run`: a day is rolled up whole or not at all."""
        self._scope.cancel()

    def age_s(self) -> float:
        """Seconds since every closed day was known to be rolled up."""
        return max(0.0, (self._clock() - self._clean_at_us) / SECOND_US)

    async def look(self) -> list[Outcome]:
        """Roll what is due, oldest first, then drop what is too old. Does nothing while it is another one's turn."""
        connection = await self._connect()
        try:
            if not any(await self._plan(connection)):
                return []
            return await in_turn(self._connect_turn, partial(self._work, connection)) or []
        finally:
            await connection.close()

    async def _work(self, connection: Connection, turn: Turn) -> list[Outcome]:
        for day in (await self._plan(connection)).unsure:
            if await reopen(connection, day.day):
                log.info("owners became known: rolled up again", extra={"day": str(date_of(day.day))})
        due = (await self._plan(connection)).due  # the process that had the turn before may have done it all
        outcomes = await self._roll(connection, due, turn) if due else []
        await self._drop((await self._plan(connection)).droppable)
        return outcomes

    async def _plan(self, connection: Connection) -> _Plan:
        now_us = self._clock()
        days = await read_days(connection, before=day_of(now_us - self._after_midnight_us))
        self.waiting = sum(day.is_open for day in days)
        if not self.waiting:
            self._clean_at_us = now_us
        self._moving = {day: since_us for day, since_us in self._moving.items() if now_us - since_us < REROLL_US}
        return _Plan(
            unsure=[day for day in days if may_reopen(day)],
            due=[day for day in days if is_due(day, now_us) and day.day not in self._moving],
            droppable=[day for day in days if is_droppable(day, day_of(now_us), self._raw_days)],
        )

    async def _roll(self, connection: Connection, due: Sequence[Day], turn: Turn) -> list[Outcome]:
        await prepare(connection)
        outcomes = []
        for day in due:
            outcome = await roll_day(connection, day.day, self._clock, _Progress(day.day), turn)
            self._note(outcome)
            outcomes.append(outcome)
        return outcomes

    async def _drop(self, droppable: Sequence[Day]) -> None:
        if not droppable:
            return
        connection = await self._connect_owner()
        try:
            for day in droppable:
                began_s = trio.current_time()
                if await drop_day(connection, day.day, self._clock()):
                    took_s = round(trio.current_time() - began_s, 3)
                    log.info("dropped raw rows", extra={"day": str(date_of(day.day)), "took_s": took_s})
        finally:
            await connection.close()

    def _note(self, outcome: Outcome) -> None:
        day: dict[str, object] = {"day": str(date_of(outcome.day))}
        match outcome:
            case Rolled(_, views, left_out, took_s):
                counts = {"views": views, "left_out": left_out, "took_s": round(took_s, 3)}
                log.info("rolled up", extra=day | counts)
            case Kept(_, displayed, found):
                log.warning("raw rows are missing: kept as displayed", extra=day | {"had": displayed, "found": found})
            case Moving(number, took_s):
                self._moving[number] = self._clock()
                log.info("rows keep coming: rolled up later", extra=day | {"took_s": round(took_s, 3)})
            case _:
                assert_never(outcome)


class _Progress:
    """Says how far a long day is."""

    def __init__(self, day: int) -> None:
        self._day = day
        self._said = 0.0
        self._began_s = trio.current_time()

    def __call__(self, share: float) -> None:
        if share - self._said >= SAY_EVERY and trio.current_time() - self._began_s > LONG_S:
            self._said = share
            log.info("rolling up", extra={"day": str(date_of(self._day)), "percent": round(100 * share)})
