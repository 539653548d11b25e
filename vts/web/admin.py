"""Routes about the whole site: statistics, channels, play orders, peak hours. For principals that read everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from quart import Blueprint, Response, request

from vts.model.day import day_of
from vts.model.ports import Catalog
from vts.query.analytics import channels_answer, peak_hours_answer, play_orders_answer
from vts.query.questions import Questions
from vts.query.shape import worked_out
from vts.query.site import answer as site_answer
from vts.query.value_trend import OF_SITE
from vts.query.zone_days import in_zone
from vts.web.access import Access, require_reader_of_all
from vts.web.asked import days_of, limit_of, trend_of
from vts.web.table_answers import NO_TEXTS, Answers
from vts.web.zones import site_hours


@dataclass(frozen=True, slots=True)
class FreshAnswer:
    """Answers facts about a range of days, with the time of the answer and the lag of the database."""

    access: Access
    questions: Questions
    answers: Answers

    async def __call__(
        self, days: tuple[int, int], work: Callable[..., dict[str, Any]], texts: Mapping[int, str] = NO_TEXTS
    ) -> Response:
        """Return `work(now_us=…, lag_s=…)`, or the table of it that the request names. Raises Problem.

        `texts` are those that the request named.
        """
        first, last = days
        fresh = {"now_us": self.access.clock(), "lag_s": self.questions.lag_s()}
        body = await worked_out(last - first + 1, lambda: work(**fresh))
        return await self.answers.body(request, request.path.removeprefix("/api/admin/"), body, texts)


def blueprint(access: Access, questions: Questions, answers: Answers, catalog: Catalog) -> Blueprint:
    """Return the routes below `/api/admin` that ask about the site."""
    routes = Blueprint("admin", __name__)
    answered = FreshAnswer(access, questions, answers)

    @routes.get("/api/admin/sitewide-stats")
    async def sitewide() -> Response:
        require_reader_of_all(request, access)
        zone, limit = answers.zones.of_site(request), limit_of(request)
        days = days_of(request, access.clock(), zone)
        value = trend_of(request, OF_SITE)
        facts = await questions.site_facts(*days, day_of(access.clock()))
        hours = await site_hours(zone, days, questions.hour_rows)

        def work(**fresh: Any) -> dict[str, Any]:
            body = site_answer(facts, limit=limit, player_of=catalog.player, trend_of=value, **fresh)
            return body if zone is None else in_zone(body, zone, days, "daily_trend", hours)

        return await answered(days, work)

    @routes.get("/api/admin/channels")
    async def channels() -> Response:
        require_reader_of_all(request, access)
        days, limit = days_of(request, access.clock()), limit_of(request)
        facts = await questions.engagement_facts("channel", *days)
        return await answered(days, lambda **fresh: channels_answer(facts, limit=limit, **fresh))

    @routes.get("/api/admin/play-orders")
    async def play_orders() -> Response:
        require_reader_of_all(request, access)
        days = days_of(request, access.clock())
        facts = await questions.engagement_facts("play_order", *days)
        return await answered(days, lambda **fresh: play_orders_answer(facts, **fresh))

    @routes.get("/api/admin/peak-hours")
    async def peak_hours() -> Response:
        require_reader_of_all(request, access)
        days = days_of(request, access.clock())
        facts = await questions.hours_facts(*days)
        return await answered(days, lambda **fresh: peak_hours_answer(facts, **fresh))

    return routes
