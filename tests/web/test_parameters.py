"""A route takes the parameters that the description has: another one is refused, and cannot be read."""

from __future__ import annotations

import pytest
from quart import request
from quart_trio import QuartTrio

from tests.web.ports import access, app_of
from vts.capture.http.limits import Limits
from vts.web.openapi import document
from vts.web.openapi.builders import query
from vts.web.parameters import take_described_only


async def ask(path: str, **more: object) -> tuple[int, str, str]:
    """Ask without a token and return status, code and text of the refusal."""
    answer = await app_of(access()).test_client().get(path, **more)  # type: ignore[arg-type]
    body = await answer.get_json()
    return answer.status_code, body["error_code"], body["error"]


async def test_an_unknown_parameter_is_refused_with_those_there_are() -> None:
    status, code, text = await ask("/api/admin/play-orders?since=2026-01-01")
    assert (status, code) == (400, "unknown_parameter")
    assert text == "query: allowed here: bom, days, format, from, table, to"


async def test_a_parameter_of_another_route_is_unknown() -> None:
    assert (await ask("/api/export?limit=5"))[1:] == ("unknown_parameter", "query: allowed here: no parameter")


async def test_a_parameter_that_is_given_twice_is_refused_by_name() -> None:
    assert await ask("/api/admin/channels?days=7&days=30") == (400, "invalid", "days: given more than once")


async def test_known_parameters_pass() -> None:
    assert (await ask("/api/admin/channels?days=7&limit=3&format=csv&bom=1&table=channels"))[0] == 401


@pytest.mark.parametrize("path", ["/api/post/42/stats", "/api/admin/sitewide-stats"])
async def test_clients_of_a_replaced_system_may_ask_for_a_new_answer(path: str) -> None:
    assert (await ask(f"{path}?refresh=true"))[0] == 401


async def test_a_ticket_is_a_parameter_by_its_security_scheme() -> None:
    assert (await ask("/live/events?topics=top&ticket=x", headers={"Host": "localhost"}))[0] == 401


@pytest.mark.parametrize("path", ["/docs?utm_source=mail", "/health/live?probe=7", "/vts.js?v=1"])
async def test_pages_and_probes_ignore_what_they_do_not_know(path: str) -> None:
    assert (await app_of(access()).test_client().get(path)).status_code == 200


def test_routes_of_replaced_systems_say_that_they_ignore_unknown_parameters() -> None:
    paths = document(Limits())["paths"]
    replaced = ["/api/post/{post_id}/view", "/api/view", "/analytics/events", "/api/track/page-view"]
    assert {paths[path]["post"]["x-unknown-parameters"] for path in replaced} == {"ignored"}


async def test_a_route_that_reads_an_undescribed_parameter_fails() -> None:
    """So that every test of such a route says that its description lacks the parameter."""
    app = QuartTrio(__name__)

    @app.get("/api/things")
    async def things() -> str:
        return request.args.get("known", "") + ",".join(request.args.getlist("many")) + request.args.get("new", "")

    parameters = [query("known", {"type": "string"}, ""), query("many", {"type": "array"}, "")]
    described = {"/api/things": {"get": {"parameters": parameters, "security": [{}]}}}
    take_described_only(app, {"paths": described, "components": {"securitySchemes": {}}})

    @app.errorhandler(LookupError)
    async def report(fault: LookupError) -> str:
        return str(fault)

    answer = await app.test_client().get("/api/things?known=1&many=2&many=3")
    assert (await answer.get_data(as_text=True)).startswith("/api/things: reads `new`")
