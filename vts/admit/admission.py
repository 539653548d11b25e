"""Admission: the gate with the journal behind it. What is accepted is durable; what is not has given back its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

import trio

from vts.admit.gate import Admitted, Gate, Verdict, Waiting
from vts.model.faults import JournalFull
from vts.model.outcome import Accepted, Outcome, Reason, Refused
from vts.model.ports import Clock, CountOutcome
from vts.model.view import Report, ViewEvent

ENTROPY_BYTES: Final = 10  # of one version-7 id
POOL_IDS: Final = 400  # ids' worth of randomness drawn at once: one system call instead of hundreds
FULL_RETRY_S: Final = 5.0
AGE_EVERY_S: Final = 0.5
ACCEPTED: Final = "accepted"

Settle = Callable[[Outcome], None]
_FULL: Final = Refused(Reason.UNAVAILABLE, retry_after_s=FULL_RETRY_S, detail="the journal takes nothing at the moment")
_DUPLICATE: Final = Refused(Reason.DUPLICATE)


class SubmitToJournal(Protocol):
    """Hand records in without waiting; they share one outcome, told to `on_settled`. Raises JournalFull."""

    def __call__(self, records: Sequence[ViewEvent], on_settled: Callable[[Exception | None], None]) -> object:
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
    ) -> None:
        self._gate = gate
        self._submit = submit
        self._clock = clock
        self._count = count
        self._entropy = entropy
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
        self._decide_all(list(enumerate(reports)), batch)
        await batch.complete.wait()
        return batch.outcomes()

    async def submit_one(self, report: Report) -> Outcome:
        """Return what became of one report."""
        return (await self.submit((report,)))[0]

    def submit_one_soon(self, report: Report, settle: Settle) -> None:
        """Decide one report; `settle` hears its outcome once, before this returns or when the journal has it."""
        verdict = self._decide(report)
        if type(verdict) is Admitted:
            self._keep_one(report, verdict, settle)
        elif type(verdict) is Waiting:
            verdict.flight.when_over(partial(self._landed, report, settle))
        else:
            self._tell(report, verdict, settle)  # type: ignore[arg-type]

    def _decide(self, report: Report) -> Verdict:
        start = self._used
        if start >= len(self._pool):
            self._pool, start = self._entropy(ENTROPY_BYTES * POOL_IDS), 0
        self._used = start + ENTROPY_BYTES
        return self._gate.decide(report, self._clock(), self._pool[start : self._used])

    def _keep_one(self, report: Report, admitted: Admitted, settle: Settle) -> None:
        def settled(fault: Exception | None) -> None:
            if fault is None:
                self._gate.confirm(admitted)
                self._tell(report, Accepted(admitted.event), settle)
            else:
                self._gate.release(admitted)
                self._tell(report, _refusal(fault), settle)

        try:
            self._submit((admitted.event,), settled)
        except JournalFull as fault:
            settled(fault)

    def _landed(self, report: Report, settle: Settle, durable: bool) -> None:
        """The same event, sent before, has its outcome: a duplicate of it, or a new chance for this one."""
        if durable:
            self._tell(report, _DUPLICATE, settle)
        else:
            self.submit_one_soon(report, settle)

    def _tell(self, report: Report, outcome: Outcome, settle: Settle) -> None:
        self._count(report.source, ACCEPTED if type(outcome) is Accepted else outcome.reason.value, 1)  # type: ignore[union-attr]
        settle(outcome)

    def _decide_all(self, reports: list[tuple[int, Report]], batch: _Batch) -> None:
        admitted: list[tuple[int, Report, Admitted]] = []
        for index, report in reports:
            verdict = self._decide(report)
            if isinstance(verdict, Admitted):
                admitted.append((index, report, verdict))
            elif isinstance(verdict, Waiting):
                verdict.flight.when_over(partial(self._landed, report, partial(batch.put, index)))
            else:
                self._tell(report, verdict, partial(batch.put, index))
        if admitted:
            self._keep_all(admitted, batch)

    def _keep_all(self, admitted: list[tuple[int, Report, Admitted]], batch: _Batch) -> None:
        def settled(fault: Exception | None) -> None:
            # All first, then anybody hears: a duplicate that waited must not find half of an entry released.
            for _, _, one in admitted:
                self._gate.release(one) if fault is not None else self._gate.confirm(one)
            for index, report, one in admitted:
                outcome: Outcome = Accepted(one.event) if fault is None else _refusal(fault)
                self._tell(report, outcome, partial(batch.put, index))

        try:
            self._submit([one.event for _, _, one in admitted], settled)
        except JournalFull as fault:
            settled(fault)


class _Batch:
    """Outcomes of one submission as they come in."""

    def __init__(self, size: int) -> None:
        self._outcomes: list[Outcome | None] = [None] * size
        self._missing = size
        self.complete = trio.Event()
        if not size:
            self.complete.set()

    def put(self, index: int, outcome: Outcome) -> None:
        self._outcomes[index] = outcome
        self._missing -= 1
        if not self._missing:
            self.complete.set()

    def outcomes(self) -> list[Outcome]:
        return [outcome for outcome in self._outcomes if outcome is not None]


def _refusal(fault: Exception) -> Refused:
    """Say why an event is not durable. Only a full journal or disk is worth another try of the same bytes."""
    if isinstance(fault, JournalFull):
        return _FULL
    return Refused(Reason.INVALID, detail="the event cannot be kept")
