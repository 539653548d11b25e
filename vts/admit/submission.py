"""What the admissions of views and of site events do alike: hand records to the journal, count and return outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

import trio

from vts.admit.texts import JournaledTexts
from vts.model.faults import JournalFull, Outage
from vts.model.outcome import ACCEPTED, COUNTED, AcceptedPart, Outcome, Reason, Refused
from vts.model.ports import CountOutcome, OutcomeObserver
from vts.model.record import Record
from vts.model.reference import ReferenceText
from vts.model.site import PlaybackReport, SiteReport
from vts.model.view import BotClass, Report

AGE_EVERY_S: Final = 0.5
ENTROPY_BYTES: Final = 10  # of one version-7 id
FULL_RETRY_S: Final = 5.0

Settle = Callable[[Outcome], None]
"""Called once with the outcome of a report."""
AnyReport = Report | SiteReport | PlaybackReport
OnWritten = Callable[[Exception | None], None]
"""Called once with None when records are durable, else with the fault."""

_FULL: Final = Refused(Reason.UNAVAILABLE, retry_after_s=FULL_RETRY_S, detail="the journal takes nothing at the moment")
_UNKEEPABLE: Final = Refused(Reason.INVALID, detail="the event cannot be kept")


class SubmitToJournal(Protocol):
    """Hand records in without waiting; they share one outcome. Raises JournalFull."""

    def __call__(self, records: Sequence[Record], on_settled: OnWritten) -> object:
        """Take the records."""
        ...


class Submission:
    """The way of one admission into the journal, and the metrics of its outcomes."""

    __slots__ = ("_count", "_on_bot", "_submit", "_texts")

    def __init__(
        self,
        submit: SubmitToJournal,
        texts: JournaledTexts,
        count: CountOutcome,
        on_bot: Callable[[BotClass], None] = lambda of_class: None,
    ) -> None:
        self._submit = submit
        self._texts = texts
        self._count = count
        self._on_bot = on_bot

    def write(self, records: Sequence[Record], on_written: OnWritten, texts: Iterable[ReferenceText] = ()) -> None:
        """Hand records to the journal, in one entry with those of their texts that are not durable yet.

        `on_written` is called before this returns when the journal is full.
        """
        if texts and (missing := self._texts.missing(texts)):
            records, on_written = [*missing, *records], partial(self._texts_written, missing, on_written)
        try:
            self._submit(records, on_written)
        except JournalFull as fault:
            on_written(fault)

    def age(self, now_us: int) -> None:
        """Forget which texts were written long ago."""
        self._texts.age(now_us)

    def count_accepted(self, source: str, how_many: int) -> None:
        """Count events that are durable."""
        self._count(source, COUNTED, how_many)

    def accept(self, source: str, settle: Settle, how_many: int = 1) -> None:
        """Count and return that a report is durable."""
        self._count(source, COUNTED, how_many)
        settle(ACCEPTED)

    def accept_part(self, source: str, settle: Settle, how_many: int, dropped: Mapping[Reason, int]) -> None:
        """Count and return that so many events of a report are durable, and why the others were dropped."""
        if how_many:
            self._count(source, COUNTED, how_many)
        for reason, others in dropped.items():
            self._count(source, reason.value, others)
        settle(AcceptedPart(how_many, dropped) if dropped else ACCEPTED)

    def refuse(self, source: str, refused: Refused, settle: Settle, how_many: int = 1) -> None:
        """Count and return a refusal."""
        self._count(source, refused.reason.value, how_many)
        if refused.bot is not None:
            self._on_bot(refused.bot)
        settle(refused)

    def _texts_written(self, texts: list[ReferenceText], on_written: OnWritten, fault: Exception | None) -> None:
        if fault is None:
            self._texts.confirm(texts)
        on_written(fault)


def observed(observer: OutcomeObserver, report: AnyReport, settle: Settle, outcome: Outcome) -> None:
    """Settle a report, and tell its observer."""
    observer.note(report, outcome)
    settle(outcome)


def all_observed(
    observer: OutcomeObserver | None, reports: Sequence[AnyReport], outcomes: list[Outcome]
) -> list[Outcome]:
    """Return the outcomes of a batch, and tell its observer."""
    if observer is not None and observer.is_watched:
        for report, outcome in zip(reports, outcomes, strict=True):
            observer.note(report, outcome)
    return outcomes


def refusal_of(fault: Exception) -> Refused:
    """Return why an event is not durable. Only a full journal or disk is worth another try of the same bytes."""
    return _FULL if isinstance(fault, Outage) else _UNKEEPABLE


class BatchOutcomes:
    """Outcomes of one submission as they come in, in the order of its reports."""

    __slots__ = ("_complete", "_missing", "_outcomes")

    def __init__(self, size: int) -> None:
        self._outcomes: list[Outcome | None] = [None] * size
        self._missing = size
        self._complete = trio.Event()

    def put(self, index: int, outcome: Outcome) -> None:
        """Note what became of one report; once for each."""
        self._outcomes[index] = outcome
        self._missing -= 1
        if not self._missing:
            self._complete.set()

    async def outcomes(self) -> list[Outcome]:
        """Wait until all are there, and return them."""
        if self._missing:
            await self._complete.wait()
        return [outcome for outcome in self._outcomes if outcome is not None]
