"""Routes by which a service brings history in: counters of days, and views at their own times."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
import trio
from quart import Blueprint, Request, Response, request

from vts.capture.events.imported import ImportedView, imported_event_of
from vts.capture.fields import BadField
from vts.model.day import date_of, day_of, day_of_date
from vts.model.imports import BadRow, DailyRow, SiteRow, check
from vts.model.outcome import Outcome, Reason, Refused
from vts.model.tally import SITE
from vts.model.view import Report, ViewEvent
from vts.store.facts.history_import import Applied, DaysOpen, ImportIdUsed, Ticket
from vts.web.access import principal_of, require_service
from vts.web.answers import Problem, json_answer
from vts.web.import_rows import rows_in
from vts.web.rows import body_of
from vts.web.services import Services

VIEWS_MAX: Final = 5_000
DAILY_MAX: Final = 20_000  # rows: two seconds of one transaction, for which other writes wait
SUBMITTED_AT_ONCE: Final = 250  # views: a few milliseconds of the gate
RETRY_AFTER_S: Final = 5

_IMPORT_ID: Final = re.compile(r"[!-~]{1,200}")

T = TypeVar("T", bound=msgspec.Struct)


def blueprint(services: Services) -> Blueprint:
    """Return `POST /api/import/daily`, `POST /api/import/site` and `POST /api/import/views`."""
    routes = Blueprint("imports", __name__)

    async def counters(kind: type[DailyRow]) -> Response:
        require_service(principal_of(request, services.tokens, services.clock()))
        rows, import_id, digest = await _read(request, kind)
        if len(rows) > DAILY_MAX:
            raise Problem(413, f"body: more than {DAILY_MAX} rows")
        first_raw = day_of(services.clock()) - services.imports.raw_days
        await trio.to_thread.run_sync(_check_daily, rows, first_raw)
        unknown = _unknown(services, [row.post_id for row in rows if row.post_id != SITE], rows)
        merge = services.imports.merge_daily
        applied = await _applied(
            lambda: merge(Ticket(import_id, "daily", digest), rows, unknown),
            lambda fault: next(index for index, row in enumerate(rows) if row.day in fault.days),
        )
        return json_answer({"import_id": import_id, "imported": applied.imported, "repeated": applied.repeated})

    @routes.post("/api/import/daily")
    async def daily() -> Response:
        return await counters(DailyRow)

    @routes.post("/api/import/site")
    async def site() -> Response:
        return await counters(SiteRow)

    @routes.post("/api/import/views")
    async def views() -> Response:
        who = require_service(principal_of(request, services.tokens, services.clock()))
        rows, import_id, digest = await _read(request, ImportedView)
        if len(rows) > VIEWS_MAX:
            raise Problem(413, f"body: more than {VIEWS_MAX} events")
        now_us = services.clock()
        make = partial(services.imports.views.report, who=who, peer=request.remote_addr or "", now_us=now_us)
        reports, events = await _understood(rows, lambda view, index: make(view, index, import_id))
        oldest_raw = day_of(now_us) - services.imports.raw_days + 1
        old = [index for index, event in enumerate(events) if event.event_day < oldest_raw]
        recent = [report for report, event in zip(reports, events, strict=True) if event.event_day >= oldest_raw]
        dropped: Counter[str] = Counter()
        merged = await _merge_old(services, Ticket(import_id, "views", digest), rows, events, old, dropped)
        accepted = await _submit(services, recent, dropped)
        return json_answer(
            {
                "import_id": import_id,
                "accepted": accepted,
                "merged": merged.imported,
                "repeated": merged.repeated,
                "dropped": dropped,
            },
            202,
        )

    return routes


async def _read(asked: Request, kind: type[T]) -> tuple[list[T], str, bytes]:
    """Return the rows, the import's id and the digest of the body. Raises Problem."""
    body = await body_of(asked)
    digest = hashlib.sha256(body).digest()
    given = asked.args.get("import_id", asked.headers.get("Idempotency-Key"))
    import_id = f"sha256:{digest.hex()}" if given is None else given
    if not _IMPORT_ID.fullmatch(import_id):
        raise Problem(400, "import_id: 1 to 200 visible ASCII characters are expected")
    content_type, encoding = asked.headers.get("Content-Type", ""), asked.headers.get("Content-Encoding")
    rows = await trio.to_thread.run_sync(partial(rows_in, body, content_type, encoding, kind))
    return rows, import_id, digest


async def _applied(work: Callable[[], Awaitable[Applied]], row_of: Callable[[DaysOpen], int]) -> Applied:
    try:
        return await work()
    except ImportIdUsed:
        raise Problem(409, "import_id: it was used before, for other rows", "import_id_used") from None
    except DaysOpen as fault:
        raise Problem(
            409,
            f"row {row_of(fault)}: its day still has raw views, which will be counted anew; try again once they are "
            "dropped, within an hour after midnight UTC",
            "day_open",
        ) from None


def _check_daily(rows: Sequence[DailyRow], first_raw: int) -> None:
    """Raise Problem 400 for the first row that may not be imported."""
    before, seen = date_of(first_raw), dict[tuple[int, object], int]()
    for index, row in enumerate(rows):
        try:
            check(row)
        except BadRow as fault:
            raise Problem(400, f"row {index}: {fault}") from None
        if day_of_date(row.day) >= first_raw:
            raise Problem(400, f"row {index}: day: before {before} is expected; later days are counted from raw views")
        first = seen.setdefault((row.post_id, row.day), index)
        if first != index:
            raise Problem(400, f"row {index}: post_id, day: the same as in row {first}")


def _unknown(services: Services, post_ids: Iterable[int], rows: Sequence[DailyRow]) -> list[int]:
    """Return the contents that this import makes known. Raises Problem 400 where only known ones count, and 503."""
    if not services.catalog.ready:
        raise _no_catalog()
    found = [post_id for post_id in set(post_ids) if _is_unknown(services, post_id)]
    if found and services.imports.strict:
        index = next(index for index, row in enumerate(rows) if row.post_id in found)
        raise Problem(400, f"row {index}: post_id: unknown content; describe it by POST /api/content first")
    return found


def _is_unknown(services: Services, post_id: int) -> bool:
    content = services.catalog.content(post_id)
    return content is None or content.provisional


def _no_catalog() -> Problem:
    return Problem(503, "the catalog is not loaded yet; try again", "unavailable", {"Retry-After": "2"})


# ---- views


async def _understood(
    rows: Sequence[ImportedView], make: Callable[[ImportedView, int], Report]
) -> tuple[list[Report], list[ViewEvent]]:
    """Return each row as a report, and as the event that the gate would make of it. Raises Problem 400."""
    reports: list[Report] = []
    events: list[ViewEvent] = []
    for index, view in enumerate(rows):
        if index % SUBMITTED_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
        try:
            reports.append(make(view, index))
        except BadField as fault:
            raise Problem(400, f"row {index}: {fault}") from None
        events.append(imported_event_of(reports[-1]))
    return reports, events


async def _merge_old(
    services: Services,
    ticket: Ticket,
    rows: Sequence[ImportedView],
    events: Sequence[ViewEvent],
    old: Sequence[int],
    dropped: Counter[str],
) -> Applied:
    """Count the views whose raw days are gone; those that do not count are dropped by the gate's reasons."""
    for index in old:
        if rows[index].event_id is None:
            raise Problem(400, f"row {index}: event_id: needed for a view before the days that are kept raw")
    if not old:
        return Applied(0)
    if not services.catalog.ready:
        raise _no_catalog()
    counting = [index for index in old if not _drop(services, events[index], dropped)]
    unknown = [post_id for post_id in {events[i].post_id for i in counting} if _is_unknown(services, post_id)]
    applied = await _applied(
        lambda: services.imports.merge_views(ticket, [events[index] for index in counting], unknown),
        lambda fault: next(index for index in counting if date_of(events[index].event_day) in fault.days),
    )
    if not applied.repeated and applied.imported < len(counting):
        dropped[Reason.DUPLICATE] += len(counting) - applied.imported
    return applied


def _drop(services: Services, event: ViewEvent, dropped: Counter[str]) -> bool:
    content = services.catalog.content(event.post_id)
    reason = None
    if content is None or content.provisional:
        reason = Reason.NOT_FOUND if services.imports.strict else None
    elif content.deleted:
        reason = Reason.DELETED
    elif content.owner_id is not None and content.owner_id == event.viewer_user_id:
        reason = Reason.AUTHOR
    if reason is not None:
        dropped[reason] += 1
    return reason is not None


async def _submit(services: Services, reports: Sequence[Report], dropped: Counter[str]) -> int:
    """Send the views of the raw days the way of every event. Returns how many count. Raises Problem 503."""
    accepted = 0
    for start in range(0, len(reports), SUBMITTED_AT_ONCE):
        outcomes: list[Outcome] = await services.imports.submit(reports[start : start + SUBMITTED_AT_ONCE])
        refused: list[Any] = [one.reason for one in outcomes if isinstance(one, Refused)]
        if Reason.UNAVAILABLE in refused:
            retry = {"Retry-After": str(RETRY_AFTER_S)}
            raise Problem(503, "not all of it could be kept; send the same again", "unavailable", retry)
        dropped.update(refused)
        accepted += len(outcomes) - len(refused)
    return accepted
