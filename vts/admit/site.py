"""Admission of what is no view: the site's rules with the journal behind them; one request, one entry."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

import trio

from vts.admit.site_rules import AdmittedSiteReport, AnySiteReport, SiteRules, events_of, records_of, source_of
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
from vts.model.faults import Outage
from vts.model.outcome import Outcome, Reason, Refused
from vts.model.ports import Clock, CountOutcome, OutcomeObserver
from vts.model.record import Record
from vts.model.site import SiteReport
from vts.model.view import BotClass

_DUPLICATE: Final = Refused(Reason.DUPLICATE)


class SiteAdmission:
    """The way of these reports into the journal: what is new in each is kept as a whole or not at all."""

    def __init__(
        self,
        rules: SiteRules,
        submit: SubmitToJournal,
        texts: JournaledTexts,
        clock: Clock,
        count: CountOutcome,
        entropy: Callable[[int], bytes] = os.urandom,
        on_bot: Callable[[BotClass], None] = lambda of_class: None,
        observer: OutcomeObserver | None = None,
    ) -> None:
        self._observer = observer
        self._rules = rules
        self._submission = Submission(submit, texts, count, on_bot)
        self._clock = clock
        self._entropy = entropy

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Age the allowances until cancelled."""
        task_status.started()
        while True:
            await trio.sleep(AGE_EVERY_S)
            now_us = self._clock()
            self._rules.age(now_us)
            self._submission.age(now_us)

    def submit_soon(self, report: AnySiteReport, settle: Settle) -> None:
        """Decide one report; `settle` is called once with its outcome, before this returns or when it is durable."""
        if self._observer is not None and self._observer.is_watched:
            settle = partial(observed, self._observer, report, settle)
        now_us = self._clock()
        verdict = self._rules.decide(report, now_us)
        if isinstance(verdict, Refused):
            self._submission.refuse(source_of(report), verdict, settle, events_of(report))
            return
        dropped = verdict.new.dropped if verdict.new is not None else {}
        if not verdict.events:
            self._submission.accept_part(verdict.source, settle, 0, dropped)
            return
        records = records_of(report, verdict.new, now_us, self._entropy(ENTROPY_BYTES * verdict.events))
        self._rules.reserve(verdict, records)
        texts = report.texts if isinstance(report, SiteReport) else ()
        self._submission.write(records, partial(self._written, verdict, settle), texts)

    async def submit(self, reports: Sequence[SiteReport]) -> list[Outcome]:
        """Return what became of each report, in order; what is admitted is one entry of the journal."""
        now_us = self._clock()
        entropy = self._entropy(ENTROPY_BYTES * len(reports))
        batch = BatchOutcomes(len(reports))
        admitted: list[_AdmittedReport] = []
        ids: set[bytes | None] = set()
        for place, report in enumerate(reports):
            is_again = report.event_id is not None and report.event_id in ids
            verdict = _DUPLICATE if is_again else self._rules.decide(report, now_us)
            if isinstance(verdict, Refused):
                self._submission.refuse(source_of(report), verdict, partial(batch.put, place))
                continue
            ids.add(report.event_id)
            (record,) = records_of(report, None, now_us, entropy[place * ENTROPY_BYTES : (place + 1) * ENTROPY_BYTES])
            admitted.append(_AdmittedReport(report, verdict, record, place))
        if admitted:
            self._write_batch(batch, admitted)
        return all_observed(self._observer, reports, await batch.outcomes())

    def _write_batch(self, batch: BatchOutcomes, admitted: list[_AdmittedReport]) -> None:
        texts = [text for one in admitted for text in one.report.texts]
        self._submission.write([one.record for one in admitted], partial(self._batch_written, batch, admitted), texts)

    def _batch_written(self, batch: BatchOutcomes, admitted: list[_AdmittedReport], fault: Exception | None) -> None:
        if fault is not None and len(admitted) > 1 and not isinstance(fault, Outage):
            for one in admitted:  # one of them cannot be kept; the others must not fail with it
                self._write_batch(batch, [one])
            return
        for one in admitted:
            if fault is None:
                self._submission.accept(one.admitted.source, partial(batch.put, one.place))
            else:
                self._rules.release(one.admitted)
                self._submission.refuse(one.admitted.source, refusal_of(fault), partial(batch.put, one.place))

    def _written(self, admitted: AdmittedSiteReport, settle: Settle, fault: Exception | None) -> None:
        if fault is None:
            self._rules.confirm(admitted)
            dropped = admitted.new.dropped if admitted.new is not None else {}
            self._submission.accept_part(admitted.source, settle, admitted.events, dropped)
        else:
            self._rules.release(admitted)
            self._submission.refuse(admitted.source, refusal_of(fault), settle, admitted.events)


class _AdmittedReport(NamedTuple):
    """A report of a batch that is on its way into the journal as `record`, and its place in the batch."""

    report: SiteReport
    admitted: AdmittedSiteReport
    record: Record
    place: int
