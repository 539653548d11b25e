"""The description of the API and the routes say the same, and a page shows it without asking anybody else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from quart_trio import QuartTrio

from tests.web.ports import access, services
from vts.capture.http.head_rules import LIVE_PATH
from vts.capture.http.limits import Limits
from vts.capture.http.request import METHODS, Route, route_of
from vts.live.frames import TOPICS_MAX
from vts.web.app import create_app
from vts.web.openapi import document, encoded, live_events
from vts.web.openapi.builders import SIGNED
from vts.web.static_files import asset

IMPLIED = {"HEAD", "OPTIONS"}  # of every GET, and of everything
CONVERTER = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>")


@pytest.fixture
def app() -> QuartTrio:
    return create_app(services(access()), Limits())


def described() -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in document(Limits())["paths"].items() for method in methods}


def routed(app: QuartTrio) -> set[tuple[str, str]]:
    rules = app.url_map.iter_rules()
    return {(method, CONVERTER.sub(r"{\1}", rule.rule)) for rule in rules for method in rule.methods or ()}


def capture_route(path: str) -> Route | None:
    return route_of(re.sub(r"\{\w+\}", "42", path).encode())


def test_the_description_is_sound() -> None:
    OpenAPIV31SpecValidator(document(Limits())).validate()


def test_every_route_is_described_and_nothing_else(app: QuartTrio) -> None:
    live = ("GET", LIVE_PATH.decode())  # the door's own, before the framework
    captured = {one for one in described() if capture_route(one[1]) is not None}  # the door's, too: the next test
    routes = routed(app) | {live} | captured
    assert {one for one in routes if one[0] not in IMPLIED} - described() == set()
    assert described() - routes == set()


def test_every_capture_route_of_the_door_is_described_with_its_methods() -> None:
    found: dict[Route, set[bytes]] = {}
    for method, path in described():
        if (route := capture_route(path)) is not None:
            found.setdefault(route, set()).add(method.encode())
    assert found == {route: set(METHODS[route]) for route in Route}


def test_every_named_piece_is_there_and_used() -> None:
    text = encoded(Limits()).decode()
    used = set(re.findall(r'"#/components/(schemas|responses)/(\w+)"', text))
    there = {(kind, name) for kind in ("schemas", "responses") for name in document(Limits())["components"][kind]}
    assert used == there


def test_what_is_said_of_live_counts_is_what_they_do() -> None:
    assert live_events.TOPICS_MAX == TOPICS_MAX


def test_operations_have_a_summary_a_tag_and_a_name_of_their_own() -> None:
    operations = [one for methods in document(Limits())["paths"].values() for one in methods.values()]
    tags = {tag["name"] for tag in document(Limits())["tags"]}
    assert all(one["summary"] and set(one["tags"]) <= tags for one in operations)
    assert len({one["operationId"] for one in operations}) == len(operations)


def test_what_needs_a_token_says_401() -> None:
    for path, methods in document(Limits())["paths"].items():
        for method, operation in methods.items():
            if {} not in operation["security"]:
                assert "401" in operation["responses"], (method, path)
            if operation["security"] == SIGNED and path != "/api/live/ticket":
                assert "403" in operation["responses"], (method, path)


async def test_it_is_served_without_a_token_and_known_again(app: QuartTrio) -> None:
    client = app.test_client()
    answer = await client.get("/openapi.json")
    body: dict[str, Any] = await answer.get_json()
    assert (answer.status_code, answer.content_type, body["openapi"]) == (200, "application/json", "3.1.0")
    assert body == document(Limits())
    again = await client.get("/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, await again.get_data()) == (304, b"")


async def test_the_page_loads_nothing_from_other_sites(app: QuartTrio) -> None:
    client = app.test_client()
    answer = await client.get("/docs")
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "<script>" not in page and "<style" not in page and " style=" not in page
    loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"', page)
    assert asset("docs.js") in loaded
    for path in loaded:
        assert path.startswith("/static/"), path
        assert (await client.get(path)).status_code == 200


def test_the_reference_for_people_names_every_route_and_parameter() -> None:
    reference = re.sub(r"\{\w+\}", "{}", (Path(__file__).parents[2] / "docs" / "api.md").read_text())
    missing = set()
    for path, methods in document(Limits())["paths"].items():
        if path.startswith(("/api/", "/live", "/analytics", "/player", "/login", "/logout", "/health", "/metrics")):
            if re.sub(r"\{\w+\}", "{}", path) not in reference:
                missing.add(path)
            for operation in methods.values():
                names = {one["name"] for one in operation.get("parameters", []) if one["in"] != "path"}
                missing |= {f"{path}: {name}" for name in names if not re.search(rf"\b{name}\b", reference)}
    assert missing == set()
