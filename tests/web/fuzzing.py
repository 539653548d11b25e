"""The description of the API as it is fuzzed: its rules for schemathesis, and a real process that it is sent to.

Every check is on: no 5xx, no undocumented status, media type, header or field; what is described is accepted, what is
not is refused; nothing that needs a token is given without one.
"""

from __future__ import annotations

import copy
import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import (
    load_all_checks,
    negative_data_rejection,
)
from schemathesis.config import SchemathesisConfig

from tests.support.folders import open_folder
from tests.support.process import BROWSER, Vts, running
from vts.auth.tokens import Tokens, own_secret
from vts.capture.http.limits import Limits
from vts.web.openapi import document
from vts.web.openapi.builders import BEARER, JSON, PLAYER


def named(methods: dict[str, Any]) -> set[str]:
    return {one["name"] for operation in methods.values() for one in operation.get("parameters", ())}


SEED = 20251222
SECRET = "a secret of the fuzzer, 32 bytes and longer"
PLAYER_KEY, CREDENTIAL = "0b6d8a3e-5f0c-4d5b-9b07-2f6a4c1d9e11", "c" * 43
# As a command of the process's own machine signs it.
TOKEN = Tokens(secret=SECRET.encode(), own=own_secret(SECRET.encode())).issue(
    user_id=None, roles=frozenset(("service",)), now_s=time.time(), ttl_s=3600
)

# They do not end, so a whole answer never arrives. Their refusals are tested below, their events in tests/system.
STREAMS = ("/live", "/live/events", "/api/admin/outcomes/live")
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "5xx"]
# Each try of an unknown secret counts against the limit of attempts.
GUESSED = ("/api/share", "/api/share/stats", "/api/share/ticket", "/share/{secret}")
OR_429 = {"expected-statuses": [*ACCEPTED, "400", "429"]}
# Rules that a schema cannot say. What keeps the schema and breaks one of these is refused with 400 and a reason.
RULED = (
    "/api/post/{post_id}/view",  # an event_id of version 7 has a time, which may lie in the future
    "/api/view",  # a batch of which nothing can be read
    "/player/events/view",  # a device's time has any form that ISO 8601 allows
    "/api/track/event",  # a page view needs a page, event_data has a size
    "/analytics/events",  # extra has a size
    "/api/content",  # `format` binds no generator to real dates, and no schema says which characters are printable
    *("/api/players", "/api/reactions", "/api/comments", "/api/track/page-view"),  # likewise
    *("/api/user/{user_id}/artist-stats", "/api/user/{user_id}/posts-stats", "/api/admin/users/{user_id}/data"),
    "/api/import/daily",  # counts that contradict each other, days that are still kept raw
    "/api/import/site",  # likewise
    "/api/import/site-stats",  # likewise
    *("/api/import/site-events", "/api/import/playback"),  # times in the future, streams that are not there
    "/api/import/viewing-history",  # exactly one content, an end before the start
    "/api/import/provider-stats",  # at least one number
    "/api/content/sync",  # sync_id goes with part, parts with commit
    "/api/import/views",  # an old view needs an event_id, of version 7 with its own time
    "/api/export/{name}",  # from after to
    "/api/share-links",  # which characters are printable
    "/api/login-links",  # likewise; the role user needs a user
    # days against from and to, from after to, tables that the answer has not
    *(
        path
        for path, methods in document(Limits())["paths"].items()
        if "days" in named(methods) and path not in GUESSED
    ),
)
OR_400 = {"expected-statuses": [*ACCEPTED, "400"]}
# The same fields or parameters as another operation, where each of them is tried; these get examples of the whole.
LIKE_OTHERS = (
    *("/api/post/{post_id}/view", "/api/import/views"),
    *("/api/user/{user_id}/artist-stats", "/api/admin/channels", "/api/admin/play-orders", "/api/admin/peak-hours"),
)
REFUSED = ["400", "401", "403", "404", "405", "409", "413", "415", "429", "431"]

# Read before the tests begin: a list of checks is empty until the library has loaded them.
load_all_checks()


def described() -> dict[str, Any]:
    """Return the description as it is fuzzed."""
    made = copy.deepcopy(document(Limits()))
    for path in STREAMS:
        del made["paths"][path]
    for path, methods in made["paths"].items():
        for operation in methods.values():
            content = operation.get("requestBody", {}).get("content", {})
            # Of texts a schema says no more than that they are texts. They are tried below.
            for kind in [kind for kind in content if kind != JSON]:
                del content[kind]
            # An array of rows is refused for the same faults as a row.
            either = content.get(JSON, {}).get("schema", {}).get("anyOf")
            if either is not None and path != "/api/view":
                content[JSON]["schema"] = either[0]
    return made


def loaded(**more: Any) -> Any:
    """Return the description as schemathesis reads it, with the rules of the game."""
    return schemathesis.openapi.from_dict(
        described(),
        config=SchemathesisConfig.from_dict(
            {
                "seed": SEED,
                "checks": {
                    "positive_data_acceptance": {"expected-statuses": ACCEPTED},
                    "negative_data_rejection": {"expected-statuses": REFUSED},
                },
                "operations": [
                    *({"include-path": path, "checks": {"positive_data_acceptance": OR_400}} for path in RULED),
                    *({"include-path": path, "checks": {"positive_data_acceptance": OR_429}} for path in GUESSED),
                    # A request for a picture is answered with a picture.
                    {"include-path": "/api/pixel.gif", "checks": {"negative_data_rejection": {"enabled": False}}},
                    *({"include-path": path, "phases": {"coverage": {"enabled": False}}} for path in LIKE_OTHERS),
                ],
                **more,
            }
        ),
    )


def whole_numbers(said: Any) -> Any:
    """Return a body in which 3.0, which is 3 in JSON Schema, is written as every encoder of integers writes it."""
    if isinstance(said, float) and said.is_integer():
        return int(said)
    if isinstance(said, dict):
        return {name: whole_numbers(value) for name, value in said.items()}
    return [whole_numbers(one) for one in said] if isinstance(said, list) else said


def one_range(query: dict[str, Any]) -> dict[str, Any]:
    """Return a query that asks for one range and, unless it names a table, for the whole answer.

    The generator likes to send all parameters at once, of which `days` and `from` exclude each other. A side that is
    no date stays, since that has to be refused.
    """
    without = {"table"} if query.get("table") == "" else set()
    if "days" in query and all(is_date(query[side]) for side in ("from", "to") if side in query):
        without |= {"from", "to"}
    return {name: value for name, value in query.items() if name not in without}


def is_date(text: Any) -> bool:
    try:
        return bool(dt.date.fromisoformat(text))
    except (TypeError, ValueError):
        return False


def bounded(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


SIGNED = {"openapi": {BEARER: {"bearer": TOKEN}, PLAYER: {"username": PLAYER_KEY, "password": CREDENTIAL}}}
# TRACE and unknown methods are 501 at the door (RFC 9110, section 15.6.2), which the checks would call a fault.
COVERAGE = {"coverage": {"unexpected-methods": ["PUT"]}}
NO_COVERAGE = {"coverage": {"enabled": False}, "examples": {"enabled": False}}


def call(case: schemathesis.Case, vts: Vts, session: requests.Session, **more: Any) -> None:
    """Send a case and validate its answer."""
    case.body = whole_numbers(case.body)
    if isinstance(case.query, dict):
        case.query = one_range(case.query)
    case.call_and_validate(base_url=vts.http, session=session, **more)


def call_unsigned(case: schemathesis.Case, vts: Vts, session: requests.Session) -> None:
    """The same without a token. Fields that only a service may set are ignored then, with any value."""
    call(case, vts, session, headers={"User-Agent": BROWSER}, excluded_checks=[negative_data_rejection])


@pytest.fixture(scope="module")
def vts() -> Iterator[Vts]:
    """A process of its own, without limits on how much one client may say, and with a player that may sign in."""
    limits = {"VTS_LIMITS__WEB_PER_MINUTE": "0", "VTS_LIMITS__PLAYER_INTERVAL_S": "0"}
    with open_folder() as folder, running(folder, VTS_AUTH__SECRET=SECRET, **limits) as process:
        with process.client(TOKEN) as service:
            fill(service)
        yield process


def fill(service: httpx.Client) -> None:
    """Make user 1 an artist with contents, views and comments, so that answers are not empty."""
    kinds = {1: "playlist", 2: "artwork", 3: "blog", 7: "stream"}
    view = {"post_id": 1, "channel": "hashtag", "channel_context": "pixelart", "playlist_id": 1, "play_order": 1}
    who = {"client_ip": "192.0.2.1", "user_agent": BROWSER, "referrer": "https://example.org/"}
    noon = {"local_datetime": time.strftime("%Y-%m-%dT12:00:00"), "local_timezone": "Europe/Berlin"}
    sent: dict[str, Any] = {
        "/api/players": {"player_key": PLAYER_KEY, "credential": CREDENTIAL, "owner_id": 2, "country": "BR"},
        "/api/content": [{"post_id": post_id, "kind": kind, "owner_id": 1} for post_id, kind in kinds.items()],
        "/api/view": [view | who | noon, {"post_id": 2, "user_id": 5} | who],
        "/api/track/page-view": {"path": "/search"} | who,
        "/api/reactions": {"post_id": 1, "user_id": 5, "emoji": "x"},
        "/api/comments": {"post_id": 1, "user_id": 5, "comment_id": 1},
    }
    for path, body in sent.items():
        assert service.post(path, json=body).is_success, path


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One client for all: to make one for each of thousands of requests takes longer than the answers."""
    with requests.Session() as session:
        session.trust_env = False
        yield session
