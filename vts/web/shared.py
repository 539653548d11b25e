"""What the bearer of a share link sees: one page, the statistics on it, and a ticket for its live topic.

The page has the secret in its path and sends it in a header. No cookie is set or read, and no page that is linked from
here learns the address. Unknown, revoked and expired links have one answer.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from quart import Blueprint, Response, render_template, request

from vts.query import artist, post
from vts.query.questions import Questions
from vts.query.shape import worked_out
from vts.query.value_trend import OF_VIEWS
from vts.service.share_links import Shared, ShareLinks
from vts.web.access import Access
from vts.web.answers import Problem, json_answer
from vts.web.asked import days_of, trend_of
from vts.web.attempts import Attempts
from vts.web.naming import Naming
from vts.web.share_links import SUBJECTS

SHARE_HEADER: Final = "X-VTS-Share"
TICKET_S: Final = 30
_PRIVATE: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
_TOPICS: Final = {"content": "post", "artist": "artist"}
NOT_SHARED: Final = "share: this link is unknown or has ended"


def blueprint(access: Access, links: ShareLinks, questions: Questions, naming: Naming, attempts: Attempts) -> Blueprint:
    """Return `/share/{secret}` and `/api/share…`."""
    routes = Blueprint("shared", __name__, template_folder="templates")

    async def shared(secret: str) -> Shared:
        with attempts.attempt(request, access):
            found = await links.find(secret)
            if found is None:
                raise Problem(404, NOT_SHARED)
            return found

    async def of_header() -> Shared:
        secret = request.headers.get(SHARE_HEADER)
        if secret is None:
            raise Problem(400, f"{SHARE_HEADER}: the secret of a share link is expected")  # no attempt at one
        return await shared(secret)

    @routes.get("/share/<secret>")
    async def page(secret: str) -> Response:
        try:
            found = await shared(secret)
        except Problem as fault:
            text = await render_template("share.html", why=fault.error)
            return _private(Response(text, fault.status, fault.headers, content_type="text/html; charset=utf-8"))
        stats = await _statistics(found, questions, access)
        most = max((day["views"] for day in stats["daily_views"]), default=0)
        name = found.title or found.text or f"{'artist' if found.kind == 'artist' else 'post'} {found.subject}"
        values = {"name": name, "shared": found, "stats": stats, "most": most}
        return _private(
            Response(await render_template("shared.html", **values), content_type="text/html; charset=utf-8")
        )

    @routes.get("/api/share")
    async def what() -> Response:
        found = await of_header()
        subject = {SUBJECTS[found.kind]: found.subject}
        said = {"kind": found.kind, **subject, "title": found.title, "expires_at": found.expires_at}
        return _private(await naming.json(said | {"topic": _topic(found)}, {}))

    @routes.get("/api/share/stats")
    async def stats() -> Response:
        found = await of_header()
        return _private(await naming.json(await _statistics(found, questions, access), {}))

    @routes.post("/api/share/ticket")
    async def ticket() -> Response:
        found = await of_header()
        text = access.tickets.issue(found.principal, access.now_s)
        return _private(json_answer({"ticket": text, "expires_in": TICKET_S, "topic": _topic(found)}))

    return routes


async def _statistics(shared: Shared, questions: Questions, access: Access) -> dict[str, Any]:
    """Return the statistics of a link's subject, as its owner gets them but for the owner's id.

    Raises Problem 400, StoreUnavailable.
    """
    first, last = days_of(request, access.clock())
    value = trend_of(request, OF_VIEWS)
    if shared.kind == "content":
        facts = await questions.post_facts(shared.subject, first, last)
        work = partial(post.answer, facts, now_us=access.clock(), lag_s=questions.lag_s(), trend_of=value)
    else:
        of_artist = await questions.artist_facts(shared.subject, first, last)
        work = partial(artist.answer, of_artist, now_us=access.clock(), lag_s=questions.lag_s(), trend_of=value)
    body = await worked_out(last - first + 1, work)
    return {name: field for name, field in body.items() if name != "owner_id"}


def _topic(shared: Shared) -> str:
    """Return the name of the live topic that a link opens."""
    return f"{_TOPICS[shared.kind]}:{shared.text or shared.subject}"


def _private(answer: Response) -> Response:
    answer.headers.update(_PRIVATE)
    return answer
