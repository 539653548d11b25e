"""Both forms of every id: what is read into which number, and what is refused."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vts.model.content import KINDS, ContentRow
from vts.model.names import ID_FIELDS, BadId, Names, texts_for
from vts.model.reference import (
    HASHED_MAX,
    HASHED_MIN,
    NUMBER_MAX,
    BadReference,
    NoReferenceKey,
    ReferenceKey,
    References,
    is_hashed,
)
from vts.query.naming import named, references_in

KEY = References(ReferenceKey(b"k" * 32))
NUMBERS = st.integers(1, HASHED_MIN - 1) | st.integers(HASHED_MAX + 1, NUMBER_MAX)
CONTENTS = st.builds(
    "{}:{}".format,
    st.sampled_from(KINDS),
    st.text(string.ascii_letters + string.digits + "-._~", min_size=1, max_size=99),
)
PLAIN = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=128).filter(
    lambda text: text.isprintable() and not text.lstrip("-").isdecimal()
)


@given(NUMBERS)
def test_an_integer_is_itself_in_every_field_also_as_digits(number: int) -> None:
    names = Names(None)  # no key is needed
    for field in ID_FIELDS:
        assert names.read(field, number) == names.read(field, str(number)) == number
    assert names.texts == {}


@given(CONTENTS, PLAIN)
def test_a_text_comes_back_from_the_number_that_it_became(content: str, user: str) -> None:
    names = Names(KEY)
    row = names.numbers_in({"post_id": content, "owner_id": user, "comment_id": user, "title": user})
    assert all(is_hashed(row[field]) for field in ("post_id", "owner_id", "comment_id"))
    assert row["owner_id"] != row["comment_id"], "users and comments are apart"
    assert row["title"] == user
    body: dict[str, Any] = {"posts": [row], "views_by_playlist": {str(row["post_id"]): 1}}
    shown = named(body, names.texts)
    assert references_in(body) == set(names.texts)
    assert shown["posts"][0]["post_id"].lower() == content.lower()
    assert shown["posts"][0]["owner_id"].lower() == user.lower()
    assert list(shown["views_by_playlist"]) == [shown["posts"][0]["post_id"]]


@given(st.integers(HASHED_MIN, HASHED_MAX), st.sampled_from(ID_FIELDS))
def test_a_number_of_a_text_is_refused_in_every_form(number: int, field: str) -> None:
    for value in (number, str(number)):
        with pytest.raises(BadId, match=f"^{field}: must be a positive integer"):
            Names(KEY).read(field, value)
    with pytest.raises(BadId, match=f"^{field}: "):
        Names(KEY).numbers_in({field: number})


NO_CONTENTS = ["", "blog", "blog:", ":1", "song:1", "Blog:1", "blog:a b", "blog:1/2", "blog:" + "x" * 124]


@pytest.mark.parametrize("text", NO_CONTENTS)
def test_what_is_no_content(text: str) -> None:
    with pytest.raises(BadReference):
        Names(KEY).content(text)


def test_a_text_needs_the_key() -> None:
    with pytest.raises(NoReferenceKey):
        Names(None).user("ann")


def test_a_row_brings_its_own_texts_only() -> None:
    names = Names(KEY)
    one, other = names.content("blog:1"), names.content("blog:2")
    assert texts_for(ContentRow(post_id=one, owner_id=7), names.texts) == {one: "blog:1"}
    assert other in names.texts
