"""What a capture decision is built of: the admissions, the makers of reports, and how senders prove who they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from vts.auth.tokens import Tokens
from vts.capture.events.playback import PlaybackReports
from vts.capture.events.site import PageOf, SiteReports
from vts.capture.events.views import WebReports
from vts.capture.events.visitors import Arrival
from vts.capture.fields import Ignored
from vts.enrich.enrich import Enricher
from vts.model.outcome import Outcome
from vts.model.ports import Catalog
from vts.model.site import PlaybackReport, SiteReport
from vts.model.view import Report


class AdmitsViews(Protocol):
    """The gate and the journal behind it (`vts.admit.admission`)."""

    def submit_one_soon(self, report: Report, settle: Callable[[Outcome], None]) -> None:
        """Decide one report; `settle` is called once with its outcome, before this returns or when it is durable."""
        ...

    async def submit(self, reports: Sequence[Report]) -> list[Outcome]:
        """Return what became of each report, in order; what is accepted is one entry of the journal."""
        ...


class AdmitsSite(Protocol):
    """The same for page views, host events and playback (`vts.admit.site`)."""

    def submit_soon(self, report: SiteReport | PlaybackReport, settle: Callable[[Outcome], None]) -> None:
        """Decide one report; `settle` is called once with its outcome, before this returns or when it is durable."""
        ...

    async def submit(self, reports: Sequence[SiteReport]) -> list[Outcome]:
        """Return what became of each report, in order; what is accepted is one entry of the journal."""
        ...


MakeSiteReport = Callable[[Arrival, bytes], SiteReport]
"""Returns the report of one page view or host event. Raises BadField and NoReferenceKey."""
PlayerView = Callable[[bytes, bytes], Awaitable[Outcome]]
"""(player key, payload): decides one view of a player whose credential was right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admissions:
    """Which part decides whether an event counts, for each kind of report."""

    views: AdmitsViews
    site: AdmitsSite
    player_view: PlayerView


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """How reports are made, for each kind of event."""

    views: WebReports
    site: SiteReports
    playback: PlaybackReports


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """How a sender proves who it is: tokens of users and services, credentials of the catalog's players."""

    tokens: Tokens
    catalog: Catalog


def reports_of(
    enricher: Enricher, catalog: Catalog, page_of: PageOf, ignored: Ignored, unknown_intent: str = "intentional"
) -> Reports:
    """Return the reports' makers. `ignored` is called with the name of a field whose value is unknown.

    `unknown_intent` is the view type of an intent that is not known.
    """
    return Reports(
        views=WebReports(enricher, catalog, ignored, unknown_intent),
        site=SiteReports(enricher, catalog, page_of),
        playback=PlaybackReports(enricher, catalog),
    )
