"""Numbers of texts are shown as those texts, wherever they stand, and no integer loses digits in a browser."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vts.model.reference import EXACT_MAX, HASHED_MAX, HASHED_MIN
from vts.query.naming import named, references_in

BLOG, USER, GONE = HASHED_MIN, HASHED_MAX, HASHED_MIN + 7
TEXTS = {BLOG: "blog:1", USER: "ann"}
ANSWER = {
    "post_id": BLOG,
    "title": str(BLOG),
    "views": 3,
    "share": 0.5,
    "ok": True,
    "nothing": None,
    "posts": [{"owner_id": USER, "playlist_id": GONE}, (BLOG, 42)],
    "views_by_post": {str(BLOG): 1, "42": 2, "BR": 3, USER: 4},
}


def test_numbers_become_texts_in_values_lists_and_keys():
    assert references_in(ANSWER) == {BLOG, USER, GONE}
    assert named(ANSWER, TEXTS) == ANSWER | {
        "post_id": "blog:1",
        "posts": [{"owner_id": "ann", "playlist_id": str(GONE)}, ["blog:1", 42]],
        "views_by_post": {"blog:1": 1, "42": 2, "BR": 3, "ann": 4},
    }


@pytest.mark.parametrize("name", ["views_by_post", "views_by_playlist", "views_by_playlist_authenticated"])
def test_counts_of_keys_that_become_one_text_are_added(name):
    body = {name: {str(BLOG): 1, BLOG: 2, "blog:1": 4, str(USER): 8, str(GONE): 16}}
    assert references_in(body) == {BLOG, USER, GONE}
    assert named(body, TEXTS) == {name: {"blog:1": 7, "ann": 8, str(GONE): 16}}


@pytest.mark.parametrize(
    "name", ["errors_by_type", "views_by_referrer", "views_by_country", "players_registered_by_country", "posts"]
)
def test_keys_that_clients_choose_are_no_ids(name):
    """They name anything: 19 digits among them are a text of the client, and no text of another is shown for them."""
    body = {name: {str(BLOG): 1, "blog:1": 2}, "player_activity": {"views_by_country": {str(USER): 4}}}
    assert not references_in(body)
    assert named(body, TEXTS) == body


@pytest.mark.parametrize("number", [0, 1, -1, EXACT_MAX, -EXACT_MAX])
def test_numbers_that_are_exact_stay_numbers(number):
    assert named([number], {}) == [number]
    assert not references_in([number])


@pytest.mark.parametrize("number", [EXACT_MAX + 1, HASHED_MIN - 1, HASHED_MAX + 1, 2**63 - 1])
def test_larger_numbers_are_written_as_digits(number):
    assert named({"id": number}, {}) == {"id": str(number)}
    assert not references_in({"id": number, str(number): 1})


json_values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=20) | st.integers(-(2**63), 2**63 - 1),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=20), inside, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_what_is_named_has_no_number_of_a_text_and_is_named_once(body):
    once = named(body, {number: f"blog:{number % 97}" for number in references_in(body)})
    assert not references_in(once)
    assert named(once, {}) == once
    assert json.loads(json.dumps(once), parse_int=float) == json.loads(json.dumps(once)), "as a browser reads it"
