"""Who may open a live connection, and as whom: Origin, tokens, sessions, tickets."""

from __future__ import annotations

import pytest

from tests.live.scripted import MODERATOR, OWNER
from vts.live.upgrade import Rules, SessionCheck, UpgradeAllowed, UpgradeRefused, decide
from vts.model.hosts import OwnHosts
from vts.model.principal import Principal

HOST = (b"Host", b"127.0.0.1:8080")
OWN = (b"Origin", b"http://127.0.0.1:8080")
FOREIGN = (b"Origin", b"https://evil.example")
FRIEND = (b"origin", b"https://dash.example")
TOKEN = (b"Authorization", b"Bearer good")
BAD_TOKEN = (b"authorization", b"Bearer bad")
SESSION = (b"Cookie", b"theme=dark; vts_session=good")
EVERYONE = "what everyone may follow"
OLD_SESSION = (b"cookie", b"vts_session=old")
SESSIONS = SessionCheck("vts_session", lambda cookie: OWNER if cookie == "good" else None)


def verdict(*headers: tuple[bytes, bytes], query: str = "", anonymous: bool = False, cookie: bool = True) -> object:
    tickets: dict[str, Principal] = {"t1": MODERATOR}
    result = decide(
        [HOST, *headers],
        query,
        rules=Rules(frozenset(("https://dash.example",)), anonymous),
        verify=lambda token: OWNER if token == "good" else None,
        redeem=lambda ticket: tickets.pop(ticket, None),
        session=SESSIONS if cookie else SessionCheck(None, SESSIONS.check),
    )
    if isinstance(result, UpgradeAllowed):
        return EVERYONE if result.is_public else result.principal
    assert set(result._asdict()) == {"status", "error", "error_code"}
    return result.status


@pytest.mark.parametrize(
    ("headers", "query", "anonymous", "expected"),
    [
        ([], "", False, EVERYONE),
        ([], "", True, EVERYONE),  # no Origin: a program, and it needs a token even on loopback for `top`
        ([TOKEN], "", False, OWNER),
        ([TOKEN, OWN], "", False, OWNER),
        ([TOKEN, FOREIGN], "", False, 403),
        ([TOKEN, FRIEND], "", False, OWNER),
        ([BAD_TOKEN], "", True, 401),
        ([BAD_TOKEN, OWN, SESSION], "", True, 401),
        ([TOKEN, TOKEN], "", False, 401),
        ([(b"Authorization", b"Basic good")], "", False, 401),
        ([(b"Authorization", b"Bearer ")], "", False, 401),
        ([], "ticket=t1", False, MODERATOR),
        ([OWN], "ticket=t1", False, MODERATOR),
        ([FOREIGN], "ticket=t1", False, 403),
        ([OWN], "ticket=t2", True, 401),
        ([OWN], "ticket=", True, 401),
        ([OWN], "ticket=t1&ticket=t1", True, 401),
        ([OWN], "&".join(["a=1"] * 50), True, 401),
        ([SESSION], "", False, EVERYONE),  # a cookie without an Origin proves no page of ours
        ([OWN, SESSION], "", False, OWNER),
        ([FRIEND, SESSION], "", False, OWNER),
        ([FOREIGN, SESSION], "", False, EVERYONE),
        ([OWN], "", False, EVERYONE),
        ([OWN], "", True, None),
        ([OWN, OLD_SESSION], "", True, None),
        ([OWN, OLD_SESSION], "", False, EVERYONE),
        ([FOREIGN], "", True, EVERYONE),
        ([(b"Origin", b"null")], "", True, EVERYONE),
        ([(b"Origin", b"")], "", True, EVERYONE),
        ([(b"Origin", b"http://")], "", True, EVERYONE),
        ([(b"Origin", b"http://[")], "", True, EVERYONE),
        ([(b"Origin", b"file://127.0.0.1:8080")], "", True, EVERYONE),
        ([(b"Origin", b"http://127.0.0.1:8081")], "", True, EVERYONE),
        ([(b"Origin", b"http://127.0.0.1:8080.evil.example")], "", True, EVERYONE),
        ([OWN, OWN], "", True, EVERYONE),
        ([(b"Origin", b"HTTP://127.0.0.1:8080")], "", True, None),
    ],
)
def test_the_table(
    headers: list[tuple[bytes, bytes]], query: str, anonymous: bool, expected: Principal | int | str | None
) -> None:
    assert verdict(*headers, query=query, anonymous=anonymous) == expected


@pytest.mark.parametrize("proof", [[TOKEN], [SESSION], []])
def test_a_host_that_is_not_ours_is_refused_whatever_it_shows(proof: list[tuple[bytes, bytes]]) -> None:
    """A foreign name that resolves to our address: its page has the Origin of its Host."""
    headers = [(b"Host", b"rebound.example:8080"), (b"Origin", b"http://rebound.example:8080"), *proof]
    rules = Rules(frozenset(), True, OwnHosts([], loopback_only=True))
    result = decide(headers, "", rules=rules, verify=lambda token: OWNER, redeem=lambda ticket: None, session=SESSIONS)
    assert isinstance(result, UpgradeRefused)
    assert (result.status, result.error_code) == (421, "misdirected_request")


def test_a_cookie_counts_under_the_name_of_its_scheme_alone() -> None:
    """Off loopback on plain HTTP no name is good; a token in the place of a session's cookie is none, either."""
    assert verdict(OWN, SESSION, cookie=False) == EVERYONE
    assert verdict(OWN, (b"Cookie", b"__Host-vts_session=good")) == EVERYONE
    only_tokens = SessionCheck("vts_session", lambda _: None)
    rules = Rules(frozenset(), False)
    result = decide(
        [HOST, OWN, SESSION], "", rules=rules, verify=lambda _: OWNER, redeem=lambda _: None, session=only_tokens
    )
    assert result == UpgradeAllowed(None, is_public=True)


def test_two_host_headers_match_no_origin() -> None:
    assert verdict(OWN, (b"host", b"evil.example"), anonymous=True) == EVERYONE


def test_a_foreign_page_uses_up_no_ticket() -> None:
    used: list[str] = []
    rules = Rules(frozenset(), False)
    result = decide(
        [HOST, FOREIGN], "ticket=t1", rules=rules, verify=lambda _: None, redeem=used.append, session=SESSIONS
    )
    assert isinstance(result, UpgradeRefused)
    assert not used
