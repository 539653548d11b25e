"""Admission of views: the gate with the journal behind it. Accepted means durable; what is not gives back its place."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

import trio

from vts.admit.gate import Gate
from vts.admit.submission import (
    AGE_EVERY_S,
    ENTROPY_BYTES,
    BatchOutcomes,
    Settle,
    Submission,
    SubmitToJournal,
    all_observed,
    observed,
    refusal_of,
)
from vts.admit.texts import JournaledTexts
from vts.admit.verdict import Admitted, Verdict, Waiting
from vts.model.faults import Outage
from vts.model.outcome import ACCEPTED, Outcome, Reason, Refused
from vts.model.ports import Clock, CountOutcome, OutcomeObserver
from vts.model.view import BotClass, Report

POOL_IDS: Final = 400  # ids' worth of randomness drawn at once: one system call instead of hundreds
_DUPLICATE: Final = Refused(Reason.DUPLICATE)


class Admission:
    """The one way of views into the journal. An outcome reaches the gate also when its caller has been cancelled."""

    def __init__(
        self,
        gate: Gate,
        submit: SubmitToJournal,
        texts: JournaledTexts,
        clock: Clock,
        count: CountOutcome,
        entropy: Callable[[int], bytes] = os.urandom,
        on_bot: Callable[[BotClass], None] = lambda of_class: None,
        observer: OutcomeObserver | None = None,
    ) -> None:
        self._observer = observer
        self._gate = gate
        self._submission = Submission(submit, texts, count, on_bot)
        self._clock = clock
        self._entropy = entropy
        self._pool = b""
        self._used = 0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Age the gate's tables until cancelled."""
        task_status.started()
        while True:
            await trio.sleep(AGE_EVERY_S)
            now_us = self._clock()
            self._gate.age(now_us)
            self._submission.age(now_us)

    async def submit(self, reports: Sequence[Report]) -> list[Outcome]:
        """Return what became of each report, in order; what is admitted is one entry of the journal."""
        batch = BatchOutcomes(len(reports))
        admitted: list[_AdmittedReport] = []
        for index, report in enumerate(reports):
            verdict = self._decide(report)
            if type(verdict) is Admitted:
                admitted.append(_AdmittedReport(report, verdict, index))
            else:
                self._not_admitted(report, verdict, partial(batch.put, index))
        if admitted:
            self._write_batch(batch, admitted)
        return all_observed(self._observer, reports, await batch.outcomes())

    def submit_one_soon(self, report: Report, settle: Settle) -> None:
        """Decide one report; `settle` is called once with its outcome, before this returns or when it is durable."""
        if self._observer is not None and self._observer.is_watched:
            settle = partial(observed, self._observer, report, settle)
        self._submit_one(report, settle)

    def _submit_one(self, report: Report, settle: Settle) -> None:
        verdict = self._decide(report)
        if type(verdict) is Admitted:
            on_written = partial(self._written, report.view_source, verdict, settle)
            self._submission.write((verdict.event,), on_written, report.texts)
        else:
            self._not_admitted(report, verdict, settle)

    def _decide(self, report: Report) -> Verdict:
        start = self._used
        if start >= len(self._pool):
            self._pool, start = self._entropy(ENTROPY_BYTES * POOL_IDS), 0
        self._used = start + ENTROPY_BYTES
        return self._gate.decide(report, self._clock(), self._pool[start : self._used])

    def _not_admitted(self, report: Report, verdict: Verdict, settle: Settle) -> None:
        if type(verdict) is Waiting:
            verdict.pending.on_settled(partial(self._first_settled, report, settle))
        elif type(verdict) is Refused:
            self._submission.refuse(report.view_source, verdict, settle)

    def _first_settled(self, report: Report, settle: Settle, durable: bool) -> None:
        """The same event, sent before, has its outcome: this one is its duplicate, or is decided anew."""
        if durable:
            self._submission.refuse(report.view_source, _DUPLICATE, settle)
        else:
            self._submit_one(report, settle)

    def _written(self, source: str, admitted: Admitted, settle: Settle, fault: Exception | None) -> None:
        if fault is None:
            self._gate.confirm(admitted)
            self._submission.accept(source, settle)
        else:
            self._gate.release(admitted)
            self._submission.refuse(source, refusal_of(fault), settle)

    def _write_batch(self, batch: BatchOutcomes, admitted: list[_AdmittedReport]) -> None:
        on_written = partial(self._batch_written, batch, admitted)
        texts = [text for one in admitted for text in one.report.texts]
        self._submission.write([one.admitted.event for one in admitted], on_written, texts)

    def _batch_written(self, batch: BatchOutcomes, admitted: list[_AdmittedReport], fault: Exception | None) -> None:
        """Settle the gate for all of a batch first: a duplicate must not find half of it undone."""
        if fault is None:
            self._gate.confirm(*[one.admitted for one in admitted])
            for source, how_many in Counter(one.report.view_source for one in admitted).items():
                self._submission.count_accepted(source, how_many)
            for one in admitted:
                batch.put(one.place, ACCEPTED)
        elif len(admitted) > 1 and not isinstance(fault, Outage):
            for one in admitted:  # one of them cannot be kept; the others must not fail with it
                self._write_batch(batch, [one])
        else:
            self._gate.release(*[one.admitted for one in admitted])
            for one in admitted:
                self._submission.refuse(one.report.view_source, refusal_of(fault), partial(batch.put, one.place))


class _AdmittedReport(NamedTuple):
    """An admitted report and its place in the batch."""

    report: Report
    admitted: Admitted
    place: int
