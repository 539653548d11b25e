"""A person leaves records and dead letters; counts of views and viewers can be made again as they were."""

from __future__ import annotations

import json
import os
import random

import pytest
from msgspec.structs import replace

from tests.store.drained import event
from vts.model.erasure import KEY_BYTES, Erasure
from vts.model.record import CatalogRow, Record
from vts.model.site import PlaybackEvent, SiteEvent
from vts.model.view import ViewEvent

PERSON, OTHER = 7, 8
OLD_KEY, NEW_KEY, OTHER_KEY = b"a" * 16, b"b" * 16, b"c" * 16


@pytest.fixture
def erasure() -> Erasure:
    return Erasure(PERSON, [OLD_KEY, NEW_KEY], os.urandom)


def view(user_id: int | None, key: bytes) -> ViewEvent:
    return replace(event(random.Random(1)), viewer_user_id=user_id, viewer_key=key)


def site_event(user_id: int | None, key: bytes) -> SiteEvent:
    return SiteEvent(
        event_id=bytes(16), event_day=1, event_type="signup", viewer_key=key, key_version=1, viewer_user_id=user_id,
        authenticated=True, country_code="BR", device_type="desktop", user_agent_hash=None, referrer_domain=None,
        page="/p", error_type=None, event_data='{"mail":"x"}', created_at=0,
    )  # fmt: skip


def test_a_viewer_stays_one_viewer_under_a_key_that_no_secret_gives(erasure: Erasure) -> None:
    erased = [erasure.record(view(None, key)) for key in (OLD_KEY, NEW_KEY, OLD_KEY)]
    keys = [one.viewer_key for one in erased if isinstance(one, ViewEvent)]
    assert keys[0] == keys[2] != keys[1]
    assert not {OLD_KEY, NEW_KEY} & set(keys)
    assert {len(key) for key in keys} == {KEY_BYTES}
    assert erasure.key_for(OLD_KEY) == keys[0]


@pytest.mark.parametrize("user_id", [PERSON, None], ids=["by user id", "by key"])
def test_nothing_else_of_a_view_changes(erasure: Erasure, user_id: int | None) -> None:
    before = view(user_id, OLD_KEY if user_id is None else OTHER_KEY)
    after = erasure.record(before)
    assert isinstance(after, ViewEvent) and after.viewer_user_id is None
    assert replace(after, viewer_user_id=user_id, viewer_key=before.viewer_key) == before


def test_what_a_host_reported_of_the_person_goes_too(erasure: Erasure) -> None:
    after = erasure.record(site_event(PERSON, OTHER_KEY))
    assert isinstance(after, SiteEvent)
    assert (after.viewer_user_id, after.event_data, after.page) == (None, None, "/p")


@pytest.mark.parametrize(
    "record",
    [
        view(OTHER, OTHER_KEY),
        site_event(OTHER, OTHER_KEY),
        PlaybackEvent(1, 1, bytes(16), OLD_KEY, 1, "play", 0.0, None, "tv", None, None, 0),
        CatalogRow(1, 5, None, json.dumps({"owner_id": PERSON}), 0),
        CatalogRow(1, None, bytes(16), json.dumps({"owner_id": OTHER, "name": "x"}), 0),
        CatalogRow(1, None, bytes(16), None, 0),
    ],
    ids=["view", "host event", "playback", "content", "another's player", "removed player"],
)
def test_records_of_others_are_returned_themselves(erasure: Erasure, record: Record) -> None:
    assert erasure.record(record) is record


def test_a_player_loses_owner_and_name(erasure: Erasure) -> None:
    row = CatalogRow(1, None, bytes(16), json.dumps({"owner_id": PERSON, "name": "Ana's", "registered": True}), 0)
    after = erasure.record(row)
    assert isinstance(after, CatalogRow) and after.row is not None
    fields = json.loads(after.row)
    assert (fields["owner_id"], fields["name"], fields["registered"]) == (None, None, True)


def test_dead_letters_get_the_same_keys_as_records(erasure: Erasure) -> None:
    body = json.dumps({"viewer_user_id": None, "viewer_key": OLD_KEY.hex(), "event_data": "x", "page": "ü"})
    after = erasure.dead_letter(body)
    assert after is not None and after.isascii()
    assert json.loads(after) == {
        "viewer_user_id": None, "viewer_key": erasure.key_for(OLD_KEY).hex(), "event_data": None, "page": "ü",
    }  # fmt: skip


@pytest.mark.parametrize("key", [OTHER_KEY.hex(), "", None, "not hex"])
def test_dead_letters_of_others_stay(erasure: Erasure, key: str | None) -> None:
    assert erasure.dead_letter(json.dumps({"viewer_user_id": OTHER, "viewer_key": key})) is None
