"""Admission: the gate with the journal behind it. What is accepted is durable; what is not has given back its place."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

import trio

from vts.admit.gate import Admitted, Gate, Verdict, Waiting
from vts.model.faults import JournalFull, Outage
from vts.model.outcome import ACCEPTED, Outcome, Reason, Refused
from vts.model.ports import Clock, CountOutcome
from vts.model.record import Record
from vts.model.view import BotClass, Report

ENTROPY_BYTES: Final = 10  # of one version-7 id
POOL_IDS: Final = 400  # ids' worth of randomness drawn at once: one system call instead of hundreds
FULL_RETRY_S: Final = 5.0
AGE_EVERY_S: Final = 0.5
COUNTED: Final = "accepted"

Settle = Callable[[Outcome], None]
_FULL: Final = Refused(Reason.UNAVAILABLE, retry_after_s=FULL_RETRY_S, detail="the journal takes nothing at the moment")
_DUPLICATE: Final = Refused(Reason.DUPLICATE)
_UNKEEPABLE: Final = Refused(Reason.INVALID, detail="the event cannot be kept")


class SubmitToJournal(Protocol):
    """Hand records in without waiting; they share one outcome, told to `on_settled` once. Raises JournalFull."""

    def __call__(self, records: Sequence[Record], on_settled: Callable[[Exception | None], None]) -> object:
        """Take the records."""
        ...


class Admission:
    """The one way into the journal. The outcome of an event reaches the gate also when nobody waits for it any more."""

    def __init__(
        self,
        gate: Gate,
        submit: SubmitToJournal,
        clock: Clock,
        count: CountOutcome,
        entropy: Callable[[int], bytes] = os.urandom,
        on_bot: Callable[[BotClass], None] = lambda of_class: None,
    ) -> None:
        self._gate = gate
        self._submit = submit
        self._clock = clock
        self._count = count
        self._entropy = entropy
        self._on_bot = on_bot
        self._pool = b""
        self._used = 0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Age the gate's tables until cancelled."""
        task_status.started()
        while True:
            await trio.sleep(AGE_EVERY_S)
            self._gate.age(self._clock())

    async def submit(self, reports: Sequence[Report]) -> list[Outcome]:
        """Return what became of each report, in order; what is admitted is one entry of the journal."""
        batch = _Batch(len(reports))
        admitted: list[_Pending] = []
        for index, report in enumerate(reports):
            verdict = self._decide(report)
            if type(verdict) is Admitted:
                admitted.append((report, verdict, index))
            else:
                self._turn_away(report, verdict, partial(batch.put, index))
        if admitted:
            self._keep(batch, admitted)
        return await batch.outcomes()

    async def submit_one(self, report: Report) -> Outcome:
        """Return what became of one report. Waits only for the journal: what is refused is refused at once."""
        waiter = Awaited()
        self.submit_one_soon(report, waiter.put)
        return await waiter.wait() if waiter.outcome is None else waiter.outcome

    def submit_one_soon(self, report: Report, settle: Settle) -> None:
        """Decide one report; `settle` hears its outcome once, before this returns or when the journal has it."""
        verdict = self._decide(report)
        if type(verdict) is not Admitted:
            self._turn_away(report, verdict, settle)
            return
        settled = partial(self._settled_one, report.view_source, verdict, settle)
        try:
            self._submit((verdict.event,), settled)
        except JournalFull as fault:
            settled(fault)

    def _decide(self, report: Report) -> Verdict:
        start = self._used
        if start >= len(self._pool):
            self._pool, start = self._entropy(ENTROPY_BYTES * POOL_IDS), 0
        self._used = start + ENTROPY_BYTES
        return self._gate.decide(report, self._clock(), self._pool[start : self._used])

    def _turn_away(self, report: Report, verdict: Verdict, settle: Settle) -> None:
        if type(verdict) is Waiting:
            verdict.pending.on_settled(partial(self._landed, report, settle))
        elif type(verdict) is Refused:
            self._refuse(report.view_source, verdict, settle)

    def _landed(self, report: Report, settle: Settle, durable: bool) -> None:
        """The same event, sent before, has its outcome: a duplicate of it, or a new chance for this one."""
        if durable:
            self._refuse(report.view_source, _DUPLICATE, settle)
        else:
            self.submit_one_soon(report, settle)

    def _refuse(self, source: str, refused: Refused, settle: Settle) -> None:
        self._count(source, refused.reason.value, 1)
        if refused.bot is not None:
            self._on_bot(refused.bot)
        settle(refused)

    def _settled_one(self, source: str, admitted: Admitted, settle: Settle, fault: Exception | None) -> None:
        if fault is None:
            self._gate.confirm(admitted)
            self._count(source, COUNTED, 1)
            settle(ACCEPTED)
        else:
            self._gate.release(admitted)
            self._refuse(source, refusal_of(fault), settle)

    def _keep(self, batch: _Batch, pending: list[_Pending]) -> None:
        settled = partial(self._settled_all, batch, pending)
        try:
            self._submit([admitted.event for _, admitted, _ in pending], settled)
        except JournalFull as fault:
            settled(fault)

    def _settled_all(self, batch: _Batch, pending: list[_Pending], fault: Exception | None) -> None:
        """What the gate keeps is settled for all before anybody hears: a duplicate must not find half of it undone."""
        if fault is None:
            self._gate.confirm(*[admitted for _, admitted, _ in pending])
            for source, how_many in Counter(report.view_source for report, _, _ in pending).items():
                self._count(source, COUNTED, how_many)
            for _, _, index in pending:
                batch.put(index, ACCEPTED)
        elif len(pending) > 1 and not isinstance(fault, Outage):
            for one in pending:  # one of them cannot be kept; the others shall not suffer for it
                self._keep(batch, [one])
        else:
            self._gate.release(*[admitted for _, admitted, _ in pending])
            for report, _, index in pending:
                self._refuse(report.view_source, refusal_of(fault), partial(batch.put, index))


_Pending = tuple[Report, Admitted, int]
"""An admitted report and its place in the batch."""


class Awaited:
    """The outcome of one submission. Most waiters do wait, but a refusal needs no event."""

    __slots__ = ("_told", "outcome")

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self._told: trio.Event | None = None

    def put(self, outcome: Outcome) -> None:
        """Take the outcome."""
        self.outcome = outcome
        if self._told is not None:
            self._told.set()

    async def wait(self) -> Outcome:
        """Return the outcome when it is there."""
        self._told = trio.Event()
        await self._told.wait()
        assert self.outcome is not None, "set just before the event"
        return self.outcome


class _Batch:
    """Outcomes of one submission as they come in."""

    def __init__(self, size: int) -> None:
        self._outcomes: list[Outcome | None] = [None] * size
        self._missing = size
        self._complete = trio.Event()

    def put(self, index: int, outcome: Outcome) -> None:
        self._outcomes[index] = outcome
        self._missing -= 1
        if not self._missing:
            self._complete.set()

    async def outcomes(self) -> list[Outcome]:
        if self._missing:
            await self._complete.wait()
        return [outcome for outcome in self._outcomes if outcome is not None]


def refusal_of(fault: Exception) -> Refused:
    """Say why an event is not durable. Only a full journal or disk is worth another try of the same bytes."""
    return _FULL if isinstance(fault, Outage) else _UNKEEPABLE
