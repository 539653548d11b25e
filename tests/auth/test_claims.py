"""Tokens of hosts that name their users by texts and their roles by other claims."""

from __future__ import annotations

from typing import Any

import pytest

from tests.auth.test_tokens import GOOD, NAMES, NOW, OTHER, SECRET, signed
from vts.auth.claims import Claims
from vts.auth.tokens import BadToken, Tokens
from vts.model.principal import Principal
from vts.model.reference import HASHED_MIN, NoReferenceKey, ReferenceKey, References

UUID = "2F6C1C1E-5a52-4c57-9D0E-0f3c8a1b2c3d"


def verify(claims: dict[str, Any], names: Claims) -> Principal:
    return Tokens(secret=SECRET, claims=names, references=lambda: NAMES).verify(signed(claims), NOW)


@pytest.mark.parametrize(
    ("subject", "text"),
    [("xK4q", "xK4q"), (UUID, UUID.lower()), ("Ann Õ", "Ann Õ"), ("auth0|12", "auth0|12"), ("blog:1", "blog:1")],
)
def test_a_subject_may_be_a_text(subject: str, text: str) -> None:
    who = verify(GOOD | {"sub": subject}, Claims())
    assert (who.user_id, who.user_text) == (NAMES.user(text), text)


@pytest.mark.parametrize("subject", [7, "7", "007"])
def test_a_number_has_no_text(subject: int | str) -> None:
    who = verify(GOOD | {"sub": subject}, Claims())
    assert (who.user_id, who.user_text) == (7, None)


def test_before_the_key_is_there_only_numbers_are_known() -> None:
    here: list[References | None] = [None]
    tokens = Tokens(secret=SECRET, references=lambda: here[0])
    assert tokens.verify(signed(GOOD), NOW).user_id == 7
    text = signed(GOOD | {"sub": "ann"})
    with pytest.raises(NoReferenceKey):
        tokens.verify(text, NOW)
    for key in (b"a" * 32, b"b" * 32):  # another database has another key
        here[0] = References(ReferenceKey(key))
        assert tokens.verify(text, NOW).user_id == here[0].user("ann")


EXPIRES = {"exp": NOW + 60}
FLAGS = Claims(user="user_id", role_flags={"is_admin": "moderator"})
WORDS = Claims(roles="role", role_map={"admin": "moderator", "owner": "user"})


@pytest.mark.parametrize(
    ("claims", "names", "user_id", "roles"),
    [
        ({"user_id": 7, "sub": "another"}, FLAGS, 7, {"user"}),
        ({"user_id": 7, "is_admin": True}, FLAGS, 7, {"moderator"}),
        ({"user_id": 7, "is_admin": False}, FLAGS, 7, {"user"}),
        ({"user_id": 7, "is_admin": 1}, FLAGS, 7, {"user"}),
        ({"user_id": 7, "is_admin": "true"}, FLAGS, 7, {"user"}),
        ({"user_id": 7, "is_admin": True, "roles": ["user"]}, FLAGS, 7, {"user", "moderator"}),
        ({"is_admin": True}, FLAGS, None, {"moderator"}),
        ({"sub": "7", "role": "admin"}, WORDS, 7, {"moderator"}),
        ({"sub": "7", "role": ["admin", "editor"]}, WORDS, 7, {"moderator"}),
        ({"sub": "7", "role": "owner"}, WORDS, 7, {"user"}),
        ({"sub": "7", "role": "service"}, WORDS, 7, {"service"}),
        ({"sub": "7", "roles": ["owner"]}, WORDS, 7, {"user"}),
        ({"sub": "7"}, WORDS, 7, {"user"}),
    ],
)
def test_a_host_has_its_own_names(claims: dict[str, Any], names: Claims, user_id: int | None, roles: set[str]) -> None:
    who = verify(claims | EXPIRES, names)
    assert (who.user_id, who.roles) == (user_id, roles)


@pytest.mark.parametrize(
    ("claims", "names", "reason"),
    [
        ({"sub": "7"}, FLAGS, "no subject"),
        ({"user_id": HASHED_MIN}, FLAGS, "the subject is not a user id"),
        ({"user_id": [7]}, FLAGS, "the subject is not a user id"),
        ({"sub": "7", "role": 1}, WORDS, "roles are not a list of words"),
        ({"sub": "7", "role": [["admin"]]}, WORDS, "roles are not a list of words"),
    ],
)
def test_other_claims_are_refused(claims: dict[str, Any], names: Claims, reason: str) -> None:
    with pytest.raises(BadToken, match=reason):
        verify(claims | EXPIRES, names)


def test_tokens_of_our_own_keep_our_names_and_may_be_for_a_text() -> None:
    tokens = Tokens(secret=SECRET, own=OTHER, claims=FLAGS, references=lambda: NAMES)
    token = tokens.issue(user_id="ann", roles=frozenset({"owner"}), now_s=NOW, ttl_s=60)
    who = tokens.verify(token, NOW)
    assert (who.user_id, who.user_text, who.roles) == (NAMES.user("ann"), "ann", {"owner"})
