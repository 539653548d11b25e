"""Admission of what is no view: the site's rules with the journal behind them. A report is one entry of the journal."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import trio

from vts.admit.site_rules import AdmittedSiteReport, AnySiteReport, SiteRules, events_of, records_of, source_of
from vts.admit.submission import (
    AGE_EVERY_S,
    ENTROPY_BYTES,
    Settle,
    Submission,
    SubmitToJournal,
    refusal_of,
)
from vts.admit.texts import JournaledTexts
from vts.model.outcome import Refused
from vts.model.ports import Clock, CountOutcome
from vts.model.site import SiteReport
from vts.model.view import BotClass


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
    ) -> None:
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

    def _written(self, admitted: AdmittedSiteReport, settle: Settle, fault: Exception | None) -> None:
        if fault is None:
            self._rules.confirm(admitted)
            dropped = admitted.new.dropped if admitted.new is not None else {}
            self._submission.accept_part(admitted.source, settle, admitted.events, dropped)
        else:
            self._rules.release(admitted)
            self._submission.refuse(admitted.source, refusal_of(fault), settle, admitted.events)
