"""Routes by which a service imports history: counters of days, and views at their own times."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeVar

import msgspec
import trio
from quart import Blueprint, Request, Response, request

from vts.capture.events.imported import ImportedView
from vts.capture.events.imported_site import ImportedPlayback, ImportedSiteEvent
from vts.capture.http.limits import Limits
from vts.model.imported_stats import HistoryRow, ProviderRow, SiteStatsRow
from vts.model.imports import DailyRow, SiteRow
from vts.model.names import Names
from vts.model.reference import ReferenceTaken
from vts.service.audit_log import AuditLog
from vts.service.import_rules import CatalogNotLoaded, DayOpen, RowRefused, TooManyRows
from vts.service.site_import import EventCounts
from vts.store.facts.history_import import Applied, ImportIdUsed, Ticket
from vts.store.facts.undo_import import NoSuchImport, NotRecorded
from vts.web.access import Access, principal_of, require_service
from vts.web.answers import TAKEN_CODE, Problem, catalog_not_loaded, json_answer
from vts.web.import_rows import name_playlists, rows_in
from vts.web.naming import Naming
from vts.web.rows import body_of
from vts.web.services import ImportPort

_IMPORT_ID: Final = re.compile(r"[!-~]{1,200}")

T = TypeVar("T", bound=msgspec.Struct)


def blueprint(access: Access, imports: ImportPort, audit: AuditLog, naming: Naming, limits: Limits) -> Blueprint:
    """Return the routes of imports: one for each kind, and `DELETE /api/import/{import_id}`."""
    routes = Blueprint("imports", __name__)
    _add_counters(routes, access, imports, naming, limits)
    _add_events(routes, access, imports, limits)
    _add_tables(routes, access, imports, naming, limits)

    @routes.delete("/api/import/<name:import_id>")
    async def undo(import_id: str) -> Response:
        principal = require_service(principal_of(request, access))
        _check_id(import_id)
        await audit.note(principal, "import.undo", f"import:{import_id}", {})
        try:
            undone = await imports.undo.undo(import_id)
        except NoSuchImport:
            raise Problem(404, "import_id: no such import; it never was, or it was undone", "not_found") from None
        except NotRecorded:
            raise Problem(409, "import_id: it was imported by an earlier version of VTS", "not_recorded") from None
        return json_answer({"import_id": import_id, **undone._asdict()})

    return routes


def _add_counters(routes: Blueprint, access: Access, imports: ImportPort, naming: Naming, limits: Limits) -> None:
    async def counters(row_type: type[DailyRow]) -> Response:
        require_service(principal_of(request, access))
        names = naming.names()
        rows, import_id, digest = await _read(request, row_type, limits, names)
        with _problems():
            name_playlists(rows, names)
            applied = await imports.counters.apply(Ticket(import_id, "daily", digest), rows, names.texts)
        return _imported(import_id, applied)

    @routes.post("/api/import/daily")
    async def daily() -> Response:
        return await counters(DailyRow)

    @routes.post("/api/import/site")
    async def site() -> Response:
        return await counters(SiteRow)

    @routes.post("/api/import/site-stats")
    async def site_stats() -> Response:
        require_service(principal_of(request, access))
        rows, import_id, digest = await _read(request, SiteStatsRow, limits)
        with _problems():
            applied = await imports.site.stats(Ticket(import_id, "site_stats", digest), rows)
        return _imported(import_id, applied)


def _add_events(routes: Blueprint, access: Access, imports: ImportPort, limits: Limits) -> None:
    @routes.post("/api/import/views")
    async def views() -> Response:
        principal = require_service(principal_of(request, access))
        rows, import_id, digest = await _read(request, ImportedView, limits)
        with _problems():
            counts = await imports.views.apply(
                Ticket(import_id, "views", digest), rows, principal, request.remote_addr or ""
            )
        answer = {"import_id": import_id, "accepted": counts.accepted, "merged": counts.merged.imported}
        return json_answer(answer | {"repeated": counts.merged.repeated, "dropped": counts.dropped}, 202)

    @routes.post("/api/import/site-events")
    async def site_events() -> Response:
        principal = require_service(principal_of(request, access))
        rows, import_id, digest = await _read(request, ImportedSiteEvent, limits)
        ticket = Ticket(import_id, "site_events", digest)
        with _problems():
            counts = await imports.site.events(ticket, rows, principal, request.remote_addr or "")
        return _stored(import_id, counts)

    @routes.post("/api/import/playback")
    async def playback() -> Response:
        principal = require_service(principal_of(request, access))
        rows, import_id, digest = await _read(request, ImportedPlayback, limits)
        ticket = Ticket(import_id, "playback", digest)
        with _problems():
            counts = await imports.site.playback(ticket, rows, principal, request.remote_addr or "")
        return _stored(import_id, counts)


def _add_tables(routes: Blueprint, access: Access, imports: ImportPort, naming: Naming, limits: Limits) -> None:
    @routes.post("/api/import/viewing-history")
    async def viewing_history() -> Response:
        require_service(principal_of(request, access))
        names = naming.names()
        rows, import_id, digest = await _read(request, HistoryRow, limits, names)
        with _problems():
            applied = await imports.tables.history(Ticket(import_id, "viewing_history", digest), rows, names)
        return _imported(import_id, applied, len(rows))

    @routes.post("/api/import/provider-stats")
    async def provider_stats() -> Response:
        require_service(principal_of(request, access))
        names = naming.names()
        rows, import_id, digest = await _read(request, ProviderRow, limits, names)
        with _problems():
            applied = await imports.tables.provider_stats(Ticket(import_id, "provider_stats", digest), rows, names)
        return _imported(import_id, applied)


async def _read(
    asked: Request, row_type: type[T], limits: Limits, names: Names | None = None
) -> tuple[list[T], str, bytes]:
    """Return the rows, the import's id and the digest of the body. Raises Problem."""
    body = await body_of(asked, limits)
    digest = hashlib.sha256(body).digest()
    given = asked.args.get("import_id", asked.headers.get("Idempotency-Key"))
    import_id = f"sha256:{digest.hex()}" if given is None else given
    _check_id(import_id)
    content_type, encoding = asked.headers.get("Content-Type", ""), asked.headers.get("Content-Encoding")
    rows = await trio.to_thread.run_sync(partial(rows_in, body, content_type, encoding, row_type, limits, names))
    return rows, import_id, digest


def _imported(import_id: str, applied: Applied, rows: int | None = None) -> Response:
    answer = {"import_id": import_id, "imported": applied.imported, "repeated": applied.repeated}
    if rows is not None:
        answer["duplicates"] = 0 if applied.repeated else rows - applied.imported
    return json_answer(answer)


def _stored(import_id: str, counts: EventCounts) -> Response:
    answer = {"import_id": import_id, "imported": counts.stored, "duplicates": counts.duplicates}
    return json_answer(answer | {"repeated": counts.repeated})


def _check_id(import_id: str) -> None:
    if not _IMPORT_ID.fullmatch(import_id):
        raise Problem(400, "import_id: 1 to 200 visible ASCII characters are expected")


@contextmanager
def _problems() -> Iterator[None]:
    """Turn the refusals of an import into Problems. A refused row is named by its index."""
    try:
        yield
    except DayOpen as fault:
        raise Problem(409, f"row {fault.index}: {fault}", "day_open") from None
    except RowRefused as fault:
        raise Problem(400, f"row {fault.index}: {fault}") from None
    except TooManyRows as fault:
        raise Problem(413, f"body: {fault}") from None
    except ReferenceTaken:
        raise Problem(409, "body: another text has the number of a text in it", TAKEN_CODE) from None
    except ImportIdUsed:
        raise Problem(409, "import_id: it was used before, for other rows", "import_id_used") from None
    except CatalogNotLoaded:
        raise catalog_not_loaded() from None
