"""Any name at any capture door: it is taken as one number with or without a text, or refused with its field."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capture.http_support import WebDoor, new_world
from tests.capture.test_references import SERVICE
from vts.capture.http.request import CaptureHead, CaptureReply, Route
from vts.model.content import KINDS
from vts.model.reference import HASHED_MAX, HASHED_MIN, is_hashed

NAMES = st.one_of(
    st.integers(-(2**65), 2**65),
    st.integers(HASHED_MIN - 2, HASHED_MIN + 2),
    st.integers(HASHED_MAX - 2, HASHED_MAX + 2),
    st.integers(-5, 2**64).map(str),
    st.builds("{}:{}".format, st.sampled_from([*KINDS, "song", "", "Blog"]), st.text(max_size=8)),
    st.from_regex(rf"({'|'.join(KINDS)}):[A-Za-z0-9._~-]{{1,130}}", fullmatch=True),
    st.text(max_size=140),
    st.uuids().map(str),
    st.none() | st.booleans() | st.floats() | st.lists(st.integers(), max_size=2),
)
DOORS = {
    "post_id": (Route.VIEW, "/api/view", {}),
    "playlist_id": (Route.VIEW, "/api/view", {"post_id": 1}),
    "user_id of a view": (Route.VIEW, "/api/view", {"post_id": 1}),
    "user_id of a page view": (Route.PAGE_VIEW, "/api/track/page-view", {"path": "/"}),
    "user_id of an event": (Route.HOST_EVENT, "/api/track/event", {"event_type": "signup"}),
}


WORLD = new_world()


def fresh() -> WebDoor:
    """The world without what it has taken; making one costs more than a thousand names."""
    WORLD.admission.reports.clear()
    WORLD.site.entries.clear()
    return WORLD


def check(number: int | None, texts: tuple[Any, ...], name: Any) -> None:
    """A number that stands for a text comes with it, and any other is the one that was given."""
    if number is None:
        assert name in (None, 0) or isinstance(name, bool)
    elif is_hashed(number):
        assert isinstance(name, str) and {text.number for text in texts} <= {number}
        assert all(text.text.lower() == name.lower() for text in texts)  # none where it was written shortly before
    else:
        assert texts == () and number == int(name)


@pytest.mark.parametrize("door", DOORS)
@settings(max_examples=500, deadline=None)
@given(name=NAMES)
def test_a_name_in_a_body_is_one_number_or_a_fault_of_its_field(door: str, name: Any) -> None:
    route, path, fields = DOORS[door]
    field = door.split(maxsplit=1)[0]
    world, replies = fresh(), list[CaptureReply]()
    head = CaptureHead(route, "POST", path, "", "192.0.2.1")
    head.authorization = SERVICE.partition(": ")[2]
    body = json.dumps(fields | {field: name}).encode()
    assert world.decision.decide(head, body, replies.append) is None
    if replies[0].status == 400:
        assert json.loads(replies[0].body)["error"].startswith(
            (field, "body: not well-formed JSON, or text with a lone")
        )
        assert not world.admission.reports and not world.site.entries
        return
    assert replies[0].status == 202, replies
    if world.site.entries:
        *texts, event = world.site.entries[0]
        check(event.viewer_user_id, tuple(texts), name)  # type: ignore[union-attr]
        return
    report = world.admission.reports[0]
    given_as = {"post_id": report.post_id, "playlist_id": report.playlist_id, "user_id": report.viewer_user_id}
    check(given_as[field], report.texts, name)


@settings(max_examples=500, deadline=None)
@given(name=NAMES.filter(lambda name: isinstance(name, str | int) and not isinstance(name, bool)))
def test_a_name_in_the_pixel_or_the_path_is_the_same_number(name: str | int) -> None:
    world, replies = fresh(), list[CaptureReply]()
    text = str(name)
    for head in (
        CaptureHead(
            Route.PIXEL, "GET", "/api/pixel.gif", "post_id=" + quote(text, safe="", errors="replace"), "192.0.2.1"
        ),
        CaptureHead(Route.POST_VIEW, "POST", f"/api/post/{text}/view", "", "192.0.2.1"),
    ):
        if "/" not in text and text:
            assert world.decision.decide(head, b"", replies.append) is None
    assert {reply.status for reply in replies} <= {200, 202, 400}
    assert len({report.post_id for report in world.admission.reports}) <= 1
    for report in world.admission.reports:
        check(report.post_id, report.texts, text)
