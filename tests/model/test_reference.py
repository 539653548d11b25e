"""References: one spelling for a text, one number for a spelling, and nothing of that range from outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vts.model.reference import (
    EXACT_MAX,
    HASHED_MAX,
    HASHED_MIN,
    BadReference,
    ReferenceKey,
    References,
    as_number,
    content_text,
    is_hashed,
    number_of,
    plain_text,
)

KINDS = ("artwork", "blog", "stream")
UUID = "2F6C1C1E-5a52-4c57-9D0E-0f3c8a1b2c3d"
HERE, SAME = (References(ReferenceKey(b"here" * 8)) for _ in range(2))


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("blog:1030", "blog:1030"),
        ("blog:A-b_c.d~e", "blog:A-b_c.d~e"),
        (f"stream:{UUID}", f"stream:{UUID.lower()}"),
        ("artwork:42", "artwork:42"),
        ("blog:" + "x" * 123, "blog:" + "x" * 123),
    ],
)
def test_a_content_has_one_spelling(text, spelling):
    assert content_text(text, KINDS) == spelling


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42x",
        "blog:",
        ":1",
        "blog",
        "song:1",
        "Blog:1",
        "blog:a/b",
        "blog:a b",
        "blog:ä",
        "blog:1\n",
        "blog:a:b",
        "blog:" + "x" * 124,
        "\x00",
        "blog:%20",
    ],
)
def test_other_texts_name_no_content(text):
    with pytest.raises(BadReference, match="kind:id"):
        content_text(text, KINDS)


def test_a_stream_may_come_without_its_kind():
    assert content_text(UUID, KINDS, default_kind="stream") == f"stream:{UUID.lower()}"
    assert content_text("blog:1", KINDS, default_kind="stream") == "blog:1"


@pytest.mark.parametrize("text", ["sqid", "name with spaces", "auth0|123", "ünïcode", "a@b.example", "x" * 128])
def test_users_and_comments_have_any_printable_text(text):
    assert plain_text(text) == text


@pytest.mark.parametrize("text", ["", "x" * 129, "tab\there", "zero\0", "line\n", "\ud800"])
def test_other_texts_name_no_user(text):
    with pytest.raises(BadReference, match="printable"):
        plain_text(text)


@pytest.mark.parametrize("number", [0, -1, HASHED_MIN, HASHED_MAX, 2**63, 2**64])
def test_a_number_from_outside_is_positive_and_stands_for_no_text(number):
    with pytest.raises(BadReference):
        number_of(number)


@pytest.mark.parametrize("number", [1, 42, EXACT_MAX, EXACT_MAX + 1, HASHED_MIN - 1, HASHED_MAX + 1, 2**63 - 1])
def test_every_other_positive_number_is_itself(number):
    assert number_of(number) == as_number(str(number)) == number


@pytest.mark.parametrize("text", ["", "+1", " 1", "1 ", "1.0", "1e3", "blog:1"])
def test_texts_that_are_no_integers_are_not_read_as_one(text):
    assert as_number(text) is None


@pytest.mark.parametrize("text", ["0", "-1", "٣", str(HASHED_MIN), str(2**63), "9" * 5_000])
def test_a_text_of_digits_is_never_a_name(text):
    with pytest.raises(BadReference):
        as_number(text)


def test_zeros_before_a_number_are_nothing():
    assert as_number("042") == 42


def test_contents_users_and_comments_of_one_text_are_apart():
    assert len({HERE.content("blog:1"), HERE.user("blog:1"), HERE.comment("blog:1")}) == 3
    assert HERE.user("7") != 7 and HERE.content("artwork:42") != 42


def test_another_installation_gives_other_numbers():
    assert References(ReferenceKey(b"away" * 8)).content("blog:1") != HERE.content("blog:1")
    with pytest.raises(ValueError, match="32 bytes"):
        References(ReferenceKey(b"short"))


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_numbers_lie_in_their_range_and_stay(text):
    for number in (HERE.content(text), HERE.user(text), HERE.comment(text)):
        assert is_hashed(number) and number > EXACT_MAX
    assert HERE.content(text) == SAME.content(text)  # of another process with the same key


@given(st.from_regex(r"(artwork|blog|stream):[A-Za-z0-9._~-]{1,100}", fullmatch=True))
def test_the_one_spelling_is_read_as_itself(text):
    spelling = content_text(text, KINDS)
    assert content_text(spelling, KINDS) == spelling
