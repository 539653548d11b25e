"""What an operator may ask of `vts token`."""

from __future__ import annotations

import pytest

from vts.auth.issuing import parse_ttl, roles_of


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
