"""Signed grants: read for their purpose, by their secret, until they expire, and in no other way."""

from __future__ import annotations

import pytest

from vts.auth.seals import TEXT_MAX_CHARS, Seals
from vts.auth.sessions import EndedSessions, cookie_name
from vts.model.grant import Grant

SEALS = Seals(b"a session secret of the tests, long")
GRANT = Grant(id=bytes(16), user="Zoë", roles=("user",), issued_s=100, expires_s=200, jti="a1")


def test_a_grant_comes_back_as_it_was() -> None:
    text = SEALS.seal("session", GRANT)
    assert SEALS.read("session", text, 199.9) == GRANT
    assert text.isascii() and not set(text) & set("+/= ;,")


def test_what_is_not_read() -> None:
    text = SEALS.seal("session", GRANT)
    assert SEALS.read("session", text, 200) is None
    assert SEALS.read("login link", text, 150) is None
    assert Seals(b"another secret of the tests, as long").read("session", text, 150) is None
    for bad in ("", "x", "=", "é", text[:-1], text + "A", text * 20, "A" * TEXT_MAX_CHARS, "\x00"):
        assert SEALS.read("session", bad, 150) is None


@pytest.mark.parametrize("position", range(0, 84, 7))
def test_every_character_is_signed(position: int) -> None:
    text = SEALS.seal("session", GRANT)
    changed = "A" if text[position] != "A" else "B"
    assert SEALS.read("session", text[:position] + changed + text[position + 1 :], 150) is None


def test_a_form_repeats_the_token_of_its_cookie() -> None:
    token = SEALS.form_token("a cookie")
    assert SEALS.is_form_token(token, "a cookie")
    assert not SEALS.is_form_token(token, "another cookie")
    assert not SEALS.is_form_token(SEALS.form_token(""), "")
    assert not SEALS.is_form_token("ü", "a cookie")


@pytest.mark.parametrize(
    ("host", "is_secure", "name"),
    [
        ("views.example.org", True, "__Host-vts_session"),
        ("localhost:8080", True, "__Host-vts_session"),
        ("localhost:8080", False, "vts_session"),
        ("127.0.0.1", False, "vts_session"),
        ("[::1]:8080", False, "vts_session"),
        ("views.example.org", False, None),
        ("192.168.1.7:8080", False, None),
        ("localhost.example.org", False, None),
        ("", False, None),
    ],
)
def test_the_cookie_of_a_host(host: str, is_secure: bool, name: str | None) -> None:
    assert cookie_name(host, is_secure=is_secure) == name


def test_ended_sessions_are_kept_until_they_would_have_expired() -> None:
    ended = EndedSessions()
    ended.add([(b"a", 10.0), (b"b", 20.0)])
    ended.forget_expired(10.0)
    assert (b"a" in ended, b"b" in ended, len(ended)) == (False, True, 1)
