"""What an operator may ask of `vts token`."""

from __future__ import annotations

import pytest

from vts.auth.issuing import issue_token, parse_ttl, roles_of
from vts.auth.tokens import Tokens

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("1h", 3_600), ("30d", 2_592_000), ("2w", 1_209_600), (" 1 H ", 3_600)],
)
def test_lifetimes(text: str, seconds: int) -> None:
    assert parse_ttl(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "0s", "-1h", "1y", "1h30m", "1.5h", "999999999w", "٣h"])
def test_lifetimes_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="a lifetime is a number and one of"):
        parse_ttl(text)


@pytest.mark.parametrize(
    ("named", "service", "roles"),
    [
        ((), False, {"user"}),
        ((), True, {"service"}),
        (("moderator",), False, {"moderator"}),
        (("user", "owner"), True, {"user", "owner", "service"}),
    ],
)
def test_roles(named: tuple[str, ...], service: bool, roles: set[str]) -> None:
    assert roles_of(named, service=service) == roles


def test_an_unknown_role_is_named_with_the_ones_there_are() -> None:
    with pytest.raises(ValueError, match="'admin' is no role; there are user, moderator, owner, service"):
        roles_of(("admin",), service=False)


def test_the_token_is_as_asked() -> None:
    tokens = Tokens(secret=b"s" * 32)
    token = issue_token(tokens, user_id=7, roles=["moderator"], service=False, ttl="1h", now_s=NOW)
    assert tokens.verify(token, NOW + 3_599).roles == {"moderator"}
    assert tokens.verify(token, NOW).user_id == 7
