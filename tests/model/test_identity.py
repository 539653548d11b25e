"""Ids of events: what they hold, and which texts are one (RFC 9562)."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.quick import quick
from vts.model import identity

SECRET = b"s" * 32
KEYS = st.binary(min_size=16, max_size=16)
POSTS = st.integers(1, 2**63 - 1)
TIMES_US = st.integers(0, 2**48 * 1000 - 1)


@quick
@given(TIMES_US, st.binary(min_size=10, max_size=10))
def test_a_version_7_id_holds_its_time_to_the_millisecond(time_us: int, entropy: bytes) -> None:
    event_id = identity.version_7(time_us, entropy)
    assert identity.time_us(event_id) == time_us // 1000 * 1000
    known = uuid.UUID(bytes=event_id)
    assert (known.version, known.variant) == (7, uuid.RFC_4122)
    assert identity.parse(str(known)) == event_id
    assert identity.text_of(event_id) == str(known)


def test_every_random_bit_of_a_version_7_id_is_used() -> None:
    none, all_of_them = (identity.version_7(0, bytes([byte]) * 10) for byte in (0, 255))
    differing = int.from_bytes(none, "big") ^ int.from_bytes(all_of_them, "big")
    assert differing.bit_count() == 74


@quick
@given(KEYS, POSTS, st.integers(-(2**63), 2**63 - 1))
def test_the_id_of_a_players_view_depends_on_all_that_identifies_it(key: bytes, post_id: int, time_us: int) -> None:
    event_id = identity.version_8(SECRET, key, post_id, time_us)
    known = uuid.UUID(bytes=event_id)
    assert (known.version, known.variant, identity.version(event_id)) == (8, uuid.RFC_4122, 8)
    assert identity.version_8(SECRET, key, post_id, time_us) == event_id
    others = (
        identity.version_8(b"t" * 32, key, post_id, time_us),
        identity.version_8(SECRET, bytes([key[0] ^ 1]) + key[1:], post_id, time_us),
        identity.version_8(SECRET, key, post_id ^ 2, time_us),
        identity.version_8(SECRET, key, post_id, time_us ^ 1),
    )
    assert event_id not in others


GOOD = "5c1d6b47-6a34-4f1a-9a40-3f8a1b0f7c11"


@pytest.mark.parametrize(
    "text",
    ["", GOOD[:-1], GOOD + "0", GOOD.replace("-", ""), "{" + GOOD[1:-1] + "}", GOOD.replace("-9", "-c"), "x" + GOOD[1:],
     GOOD.replace("-", " "), GOOD.replace("47-", "4-7")],
    ids=["empty", "short", "long", "no dashes", "braces", "a variant of others", "no digit", "spaces", "moved dash"],
)  # fmt: skip
def test_texts_that_are_no_id(text: str) -> None:
    with pytest.raises(ValueError):
        identity.parse(text)


def test_digits_may_be_upper_case() -> None:
    assert identity.parse(GOOD.upper()) == identity.parse(GOOD) == uuid.UUID(GOOD).bytes
