"""Routes of whole tables: `GET /api/export/{table}`."""

from __future__ import annotations

import datetime as dt
from typing import Final

from quart import Blueprint, Request, Response, request

from vts.query.export.exports import Exports
from vts.query.export.stored_tables import TABLES
from vts.query.export.table import FORMATS, is_installed
from vts.service.audit_log import AuditLog
from vts.web.access import Access, require_administrator, require_reader_of_all
from vts.web.answers import Problem, json_answer
from vts.web.table_answers import format_asked, table_answer

PRIVATE: Final = ("audit_log",)  # for the site's owner and services, as the route of the log itself
DATES: Final = "dates (YYYY-MM-DD) with from <= to are expected"


def blueprint(access: Access, exports: Exports, audit: AuditLog) -> Blueprint:
    """Return `GET /api/export` and `GET /api/export/{table}`."""
    routes = Blueprint("exports", __name__)

    @routes.get("/api/export")
    async def tables() -> Response:
        principal = require_reader_of_all(request, access)
        names = [name for name in TABLES if name not in PRIVATE or principal.administers]
        return json_answer({"tables": names, "formats": [form for form in FORMATS if is_installed(form)]})

    @routes.get("/api/export/<name>")
    async def table(name: str) -> Response:
        principal = (
            require_administrator(request, access) if name in PRIVATE else require_reader_of_all(request, access)
        )
        if name not in TABLES:
            raise Problem(404, f"table: one of {', '.join(TABLES)} is expected")
        form = format_asked(request) or "json"
        first, last = _range(request)
        if TABLES[name].personal and request.method != "HEAD":
            detail = {"format": form, "from": first and first.isoformat(), "to": last and last.isoformat()}
            await audit.note(principal, "export", name, detail)
        return await table_answer(request, exports.stored(name, first, last), exports.encode)

    return routes


def _range(asked: Request) -> tuple[dt.date | None, dt.date | None]:
    """Return the days of a request; a side that is not given is open. Raises Problem 400."""
    first, last = (_date(asked, field) for field in ("from", "to"))
    if first is not None and last is not None and first > last:
        raise Problem(400, f"from, to: {DATES}")
    return first, last


def _date(asked: Request, field: str) -> dt.date | None:
    text = asked.args.get(field)
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise Problem(400, f"{field}: {DATES}") from None
