"""Counts of all time for every page that shows contents: of one content, or of many in one request.

Anyone reads those of public contents, from any origin. No cookie counts here: a bearer token shows whose private
contents may be counted, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from quart import Blueprint, Response, request

from vts.capture.http.request import CaptureReply
from vts.model.names import Names
from vts.model.ports import Catalog
from vts.model.principal import Principal
from vts.query.counts import LAG, REFS_MAX, fields, lag_field
from vts.query.naming import named
from vts.query.questions import Questions
from vts.service.known_counts import KnownCounts
from vts.web.access import Access, bearer_of, require_catalog
from vts.web.answers import ASK_AGAIN, SECURITY_HEADERS, Problem, known_answer, tagged
from vts.web.cors import public
from vts.web.naming import Naming

_HEADERS: Final = (("Cache-Control", ASK_AGAIN), ("Vary", "Origin"), *SECURITY_HEADERS.items())


class _Asked(NamedTuple):
    """What is asked for, and what was known before the counts were read. `is_public`: without a token."""

    posts: Sequence[int]
    since: int
    revision: int
    is_public: bool


def blueprint(access: Access, catalog: Catalog, questions: Questions, naming: Naming, known: KnownCounts) -> Blueprint:
    """Return the routes of counts."""
    routes = Blueprint("counts", __name__)

    @routes.get("/api/post/<post_id>/count")
    @public
    async def count(post_id: str) -> Response:
        principal = bearer_of(request, access)
        require_catalog(catalog)
        names = naming.names()
        number = naming.content(post_id, names=names)
        if not _is_countable(principal, catalog, number):
            raise Problem(404, "post_id: unknown content")
        asked = _Asked([number], known.moment, known.revision(), is_public=principal is None)
        counted = await questions.counts([number])
        body = fields(number, counted.by_post[number]) | lag_field(counted)
        return await _answered(asked, body, names)

    @routes.get("/api/counts")
    @public
    async def counts() -> Response:
        principal = bearer_of(request, access)
        require_catalog(catalog)
        names = naming.names()
        numbers = _refs(naming, names)
        asked = _Asked(numbers, known.moment, known.revision(), is_public=principal is None)
        counted = await questions.counts({each for each in numbers if _is_countable(principal, catalog, each)})
        rows = [fields(number, counted.by_post.get(number)) for number in numbers]
        return await _answered(asked, {"counts": rows} | lag_field(counted), names)

    async def _answered(asked: _Asked, body: dict[str, Any], names: Names) -> Response:
        """Answer, and let the door give the answer again while no write has changed it."""
        body = named(body, await naming.texts_in(body, names.texts))
        if asked.is_public and LAG not in body:
            text, tag = tagged(body)
            reply = CaptureReply(200, text, headers=(("ETag", f'W/"{tag}"'), *_HEADERS))
            known.keep(_target(), frozenset(asked.posts), asked.since, asked.revision, reply, tag)
        return await known_answer(request, body)

    return routes


def _target() -> bytes:
    """Return the target of the request as it was sent."""
    path: bytes = request.scope["raw_path"]
    return path + b"?" + request.query_string if request.query_string else path


def _refs(naming: Naming, names: Names) -> list[int]:
    """Return the numbers of the contents in the order asked. Raises Problem 400 that names the field."""
    refs = request.args.getlist("ref")
    if not 1 <= len(refs) <= REFS_MAX:
        raise Problem(400, f"ref: 1 to {REFS_MAX} are expected, as in ?ref=42&ref=blog:1030")
    numbers = [naming.content(text, "ref", names=names) for text in refs]
    if 0 in numbers:
        raise Problem(400, "ref: must be a positive integer of 64 bits, or a text kind:id")
    return numbers


def _is_countable(principal: Principal | None, catalog: Catalog, post_id: int) -> bool:
    """Whether the asker may read the count of a content. Deleted, unknown and private ones are answered alike."""
    content = catalog.content(post_id)
    if content is None or content.deleted:
        return False
    return not content.private or (principal is not None and principal.may_read(content.owner_id))
