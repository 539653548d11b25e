"""Server-sent events for everyone: which pages read them, whose places they take, and what a full house answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio
from quart import Response
from trio.testing import MockClock

from tests.live.scripted import CommittedViews, make_hub
from tests.web.ports import access, app_of, schemes
from vts.enrich.client_ip import Networks, subscriber_of
from vts.live import sse
from vts.live.public import PublicBounds
from vts.model.principal import Principal

ELSEWHERE = "https://elsewhere.example"
VISITOR, OTHER = "2001:db8:1:2::7", "2001:db8:1:3::7"


class House:
    """A real hub behind the web application, for visitors behind a proxy."""

    def __init__(self, **bounds: int) -> None:
        self.hub = make_hub(CommittedViews(), public=PublicBounds(**bounds), is_open=lambda post_id: True)
        self._client = app_of(access(schemes=schemes(["127.0.0.1"])), live_events=self._events).test_client()

    def _events(self, principal: Principal | None, topics: str, client: str, is_everyone: bool) -> AsyncIterator[bytes]:
        return sse.events(self.hub, principal, topics, address=client, is_public=is_everyone)

    async def ask(self, visitor: str = VISITOR, **headers: str) -> Response:
        """Ask as a visitor; a stream ends when the hub stops."""
        shown = {"Host": "localhost", "Origin": ELSEWHERE, "X-Forwarded-For": visitor} | headers
        proxy = {"client": ("127.0.0.1", 4711)}
        return await self._client.get("/live/events?topics=post:42", headers=shown, scope_base=proxy)


async def test_a_visitor_behind_a_proxy_has_places_of_its_own(autojump_clock: MockClock) -> None:
    house, streamed = House(clients_per_address=1), []
    with house.hub.admitted(subscriber_of(VISITOR, [], Networks()), is_public=True):
        refused = await house.ask("2001:db8:1:2:ffff::8")  # of the same /64
        assert (refused.status_code, (await refused.get_json())["error_code"]) == (429, "rate_limited")
        assert (refused.headers["Retry-After"], refused.headers["Access-Control-Allow-Origin"]) == ("5", ELSEWHERE)

        async def stream() -> None:
            streamed.append(await house.ask(OTHER))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream)
            await trio.testing.wait_all_tasks_blocked()
            assert (house.hub.clients, house.hub.public_clients) == (2, 2)
            house.hub.stop()
    (answer,) = streamed
    assert (answer.status_code, answer.content_type) == (200, "text/event-stream")
    assert answer.headers["Access-Control-Allow-Origin"] == ELSEWHERE


async def test_a_full_house_says_when_to_come_again(autojump_clock: MockClock) -> None:
    house = House(clients_max=1)
    with house.hub.admitted("another", is_public=True):
        refused = await house.ask()
    assert (refused.status_code, (await refused.get_json())["error_code"]) == (503, "unavailable")
    assert refused.headers["Retry-After"] == "5"


@pytest.mark.parametrize("shown", [{"Authorization": "Bearer good"}, {"Host": "elsewhere.example"}])
async def test_a_page_of_another_origin_shows_no_token_and_asks_under_our_name(shown: dict[str, Any]) -> None:
    answer = await House().ask(**shown)
    assert answer.status_code == (403 if "Authorization" in shown else 421)
