"""The route of a full sync of the catalog, by which a service replaces what it said before, in parts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from quart import Blueprint, Response, request

from vts.capture.http.limits import Limits
from vts.model.content import ContentRow
from vts.model.content_sync import (
    PARTS_MAX,
    PartsMissing,
    PartUsed,
    SyncClosed,
    SyncOrder,
    TooManyParts,
    TooManyRemoved,
    UnknownSync,
)
from vts.model.principal import Principal
from vts.model.reference import ReferenceTaken
from vts.service.audit_log import AuditLog
from vts.service.content_sync import ContentSync
from vts.store.facts.content_sync import Part
from vts.web.access import Access, principal_of, require_service
from vts.web.answers import Problem, json_answer, reference_taken
from vts.web.naming import Naming
from vts.web.rows import body_of, decode_rows, rows_of

UNKNOWN_CODE: Final = "unknown_sync"
_PART_DIGITS: Final = len(str(PARTS_MAX))


def blueprint(access: Access, sync: ContentSync, audit: AuditLog, naming: Naming, limits: Limits) -> Blueprint:
    """Return `POST /api/content/sync`."""
    routes = Blueprint("content_sync", __name__)

    @routes.post("/api/content/sync")
    async def step() -> Response:
        service = require_service(principal_of(request, access))
        sync_id, part = request.args.get("sync_id"), request.args.get("part")
        with _problems():
            if part is not None:
                return await take_part(service, sync_id or "", _part_number(part))
            if sync_id is not None:
                raise Problem(400, "part: the number of the part is expected beside sync_id")
            return await obey(service, await _order(limits))

    async def take_part(service: Principal, sync_id: str, number: int) -> Response:
        names = naming.names()
        rows = await rows_of(request, ContentRow, names, limits)
        digest = hashlib.sha256(msgspec.json.encode(rows)).digest()  # of the rows: gzip packs them anew each time
        await audit.note(service, "catalog.sync", f"sync:{sync_id}", {"part": number, "rows": len(rows)})
        try:
            done = await sync.part(Part(sync_id, number, digest), rows, names.texts)
        except ReferenceTaken as fault:
            raise reference_taken(fault, rows, names) from None
        return json_answer({"sync_id": sync_id, "part": number, "rows": len(rows)} | done._asdict())

    async def obey(service: Principal, order: SyncOrder) -> Response:
        if not order.commit:
            return json_answer(
                {"sync_id": order.sync_id} | (await sync.open(order.sync_id, dry_run=order.dry_run))._asdict()
            )
        if order.parts is None:
            raise Problem(400, "parts: how many parts were sent is expected with commit")
        if not order.dry_run:
            noted = {"commit": True, "parts": order.parts, "force": order.force}
            await audit.note(service, "catalog.sync", f"sync:{order.sync_id}", noted)
        done = await sync.commit(order.sync_id, order.parts, dry_run=order.dry_run, force=order.force)
        body: dict[str, Any] = {"sync_id": order.sync_id} | done._asdict()
        return await naming.json(body, {})

    return routes


async def _order(limits: Limits) -> SyncOrder:
    (order,) = decode_rows(await body_of(request, limits), SyncOrder, 1)
    return order


def _part_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _PART_DIGITS and 1 <= int(text) <= PARTS_MAX):
        raise Problem(400, f"part: must be 1 to {PARTS_MAX}")
    return int(text)


@contextmanager
def _problems() -> Iterator[None]:
    """Turn the refusals of a sync into Problems."""
    try:
        yield
    except UnknownSync:
        raise Problem(404, "sync_id: no such sync is open; open it and send every part", UNKNOWN_CODE) from None
    except SyncClosed:
        raise Problem(409, "sync_id: it is committed and takes no further part", "sync_closed") from None
    except PartUsed:
        raise Problem(409, "part: another body came under this number", "part_used") from None
    except PartsMissing as fault:
        numbers = ", ".join(map(str, fault.parts))
        raise Problem(409, f"parts: not all have come; missing are {numbers}", "parts_missing") from None
    except TooManyParts as fault:
        raise Problem(409, f"parts: more have come, up to part {fault}", "parts_missing") from None
    except TooManyRemoved as fault:
        raise Problem(409, f"force: {fault}; with force it is done", "too_many_removed") from None
