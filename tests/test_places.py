"""Which files a change touches: docs/architecture.md names them, and a file that was forgotten is named here.

Each list is tried on a field, a reason and a route that do not exist: then every place lacks it.
"""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from vts.capture.events import view_fields
from vts.capture.http.limits import Limits
from vts.capture.http.request import METHODS, Route, route_of
from vts.capture.players import payloads
from vts.capture.players.answers import REPLIES
from vts.model.day import DAY_US, SECOND_US
from vts.model.outcome import Reason
from vts.model.view import Report, ViewEvent, event_of
from vts.query.export.stored_tables import TABLES
from vts.store.drain.batch import Dates, rows_of
from vts.web.openapi import document
from vts.web.openapi.request_bodies import schemas

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = "vts/store/schema/migrations"

BY_CLIENTS = {  # field of a view: its name in the web's JSON and in a player's, None where it cannot be given
    "post_id": ("post_id", "post_id"),
    "event_id": ("event_id", "event_id"),
    "viewer_user_id": ("user_id", None),
    "country_code": (None, "country"),
    "view_source": ("source", None),
    "view_type": ("view_type", "intent"),
    "referrer_domain": ("referrer", None),
    "local_datetime": ("local_datetime", "timestamp"),
    "local_timezone": ("local_timezone", "timezone"),
    "play_order": ("play_order", "play_order"),
    "channel": ("channel", "channel"),
    "channel_context": ("channel_context", "channel_hashtag"),
    "playlist_id": ("playlist_id", "playlist_id"),
}
FOUND = ("viewer_key", "key_version", "authenticated", "device_type", "user_agent_hash", "local_hour", "local_weekday")
BY_LOGIN_OR_TOPIC = ("player_key",)
BY_THE_GATE = ("event_day", "created_at", "once")


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def columns_of_views() -> set[str]:
    found: set[str] = set()
    for file in sorted((ROOT / MIGRATIONS).glob("*.sql")):
        sql = file.read_text(encoding="utf-8")
        for body in re.findall(r"CREATE TABLE view_events \((.*?)\n\)", sql, re.DOTALL):
            found |= set(re.findall(r"^ {4}(\w+)", body, re.MULTILINE))
        found |= set(re.findall(r"ALTER TABLE view_events ADD COLUMN (?:IF NOT EXISTS )?(\w+)", sql))
    return found


def given_to_report(path: str) -> set[str]:
    """Return the fields of a report that a module fills, by position or by name; None as a literal fills nothing."""
    calls = [one for one in ast.walk(ast.parse(text(path))) if isinstance(one, ast.Call)]
    (made,) = [one for one in calls if isinstance(one.func, ast.Name) and one.func.id == "Report"]
    given = [*zip(Report.__struct_fields__, made.args, strict=False), *((one.arg, one.value) for one in made.keywords)]
    return {name for name, value in given if name and not (isinstance(value, ast.Constant) and value.value is None)}


def lacking_field(field: str, web: str | None, player: str | None) -> list[str]:
    """Return the files that lack a field of a view. `web` and `player` are its names in JSON, if it can be given."""
    described = schemas()["View"]["properties"]
    named = {
        "vts/model/view.py": field in ViewEvent.__struct_fields__,
        MIGRATIONS: field in columns_of_views(),
        "vts/query/export/stored_tables.py": field in {column.name for column in TABLES["view_events"].columns},
    }
    if web is not None:
        named |= {
            "vts/capture/events/view_fields.py": web in view_fields.View.__struct_fields__,
            "vts/capture/events/views.py": field in given_to_report("vts/capture/events/views.py"),
            "vts/web/openapi/request_bodies.py": "description" in described.get(web, {}),
            "docs/api.md": f"`{web}`" in text("docs/api.md"),
        }
    if player is not None:
        named |= {
            "vts/capture/players/payloads.py": player in payloads.ViewPayload.__struct_fields__,
            "vts/capture/players/views.py": field in given_to_report("vts/capture/players/views.py"),
        }
    return [path for path, has in named.items() if not has]


def lacking_reason(reason: str) -> list[str]:
    row = rf"^\|[^|]*`{reason}`[^|]*\|"
    named = {
        "vts/model/outcome.py": reason in list(Reason),
        "vts/capture/players/answers.py": reason in REPLIES,
        "docs/api.md": re.search(row, text("docs/api.md"), re.MULTILINE) is not None,
    }
    return [path for path, has in named.items() if not has]


def lacking_route(name: str, path: str) -> list[str]:
    example = re.sub(r"\{\w+\}", "42", path)
    named = {
        "vts/capture/http/request.py": route_of(example.encode()) in METHODS,
        "vts/capture/events/decide.py": f"case Route.{name}:" in text("vts/capture/events/decide.py"),
        "vts/web/openapi/capture.py": path in {re.sub(r"\{\w+\}", "{id}", one) for one in document(Limits())["paths"]},
        "docs/api.md": path in text("docs/api.md"),
    }
    return [path for path, has in named.items() if not has]


ROUTES = {
    "VIEW": "/api/view",
    "POST_VIEW": "/api/post/{id}/view",
    "PIXEL": "/api/pixel.gif",
    "PLAYER_VIEW": "/player/events/view",
    "PAGE_VIEW": "/api/track/page-view",
    "HOST_EVENT": "/api/track/event",
    "PLAYBACK": "/analytics/events",
}


@pytest.mark.parametrize("field", ViewEvent.__struct_fields__)
def test_a_field_of_a_view_is_in_all_its_places(field: str) -> None:
    assert field in {*BY_CLIENTS, *FOUND, *BY_LOGIN_OR_TOPIC, *BY_THE_GATE}, "name its origin in this test"
    assert lacking_field(field, *BY_CLIENTS.get(field, (None, None))) == []


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_is_in_all_its_places(reason: Reason) -> None:
    assert lacking_reason(reason) == []


@pytest.mark.parametrize("route", list(Route), ids=lambda route: route.name)
def test_a_capture_route_is_in_all_its_places(route: Route) -> None:
    assert lacking_route(route.name, ROUTES[route.name]) == []


@pytest.mark.parametrize(
    ("change", "lacking"),
    [
        ("A new field of a view", lambda: lacking_field("mood", "mood", "mood")),
        ("A new reason for not counting", lambda: lacking_reason("boring")),
        ("A new capture route", lambda: lacking_route("MOOD", "/api/mood")),
    ],
    ids=["field", "reason", "route"],
)
def test_the_page_names_the_places_and_no_others(change: str, lacking: Callable[[], list[str]]) -> None:
    (entry,) = re.findall(rf"^\* {change}.*?(?=^\* |\Z)", text("docs/architecture.md"), re.DOTALL | re.MULTILINE)
    paths = set(re.findall(r"`((?:vts|docs)/[\w/.]+)`", entry))
    decided = {"vts/admit/gate.py"} if "reason" in change else set()  # where a reason is given cannot be looked up
    assert paths == {*lacking(), *decided}
    assert all((ROOT / path).exists() for path in paths)


def test_an_event_has_every_field_of_its_report_under_the_same_name() -> None:
    values = {
        name: f"{place}" if name not in ("post_id", "event_id") else place
        for place, name in enumerate(Report.__struct_fields__)
    }
    event = event_of(Report(**values), b"id", 3 * DAY_US)  # type: ignore[arg-type]
    shared = set(Report.__struct_fields__) & set(ViewEvent.__struct_fields__) - {"event_id"}
    assert set(ViewEvent.__struct_fields__) - shared == {"event_id", *BY_THE_GATE}
    assert {name: getattr(event, name) for name in shared} == {name: values[name] for name in shared}
    assert (event.event_id, event.event_day, event.created_at) == (b"id", 3, 3 * DAY_US)


class LaterEvent(ViewEvent, frozen=True, array_like=True, tag="v", gc=False):
    """A view with a field more; behind all others, so that journals of before can be read."""

    mood: str = ""


def test_a_field_behind_all_others_is_read_from_old_journals_and_stored_in_its_place() -> None:
    report = Report(post_id=1, arrived_us=0, viewer_key=bytes(16), key_version=1)
    old = msgspec.msgpack.encode(event_of(report, bytes(16), DAY_US + SECOND_US))
    event = msgspec.msgpack.decode(old, type=LaterEvent)
    ((*_, created_at, once, mood),) = rows_of((msgspec.structs.replace(event, mood="fine"),), Dates())
    assert created_at == dt.datetime(1970, 1, 2, 0, 0, 1, tzinfo=dt.UTC)
    assert (once, mood) == (False, "fine")
