"""Which Host headers are ours: on a machine of one's own, behind a proxy, and where nothing is known."""

from __future__ import annotations

import pytest

from vts.model.hosts import OwnHosts, host_name

PUBLIC = "views.example.org"


@pytest.mark.parametrize(
    ("host", "private", "listed", "open_to_all"),
    [
        ("localhost:8080", True, False, True),
        ("LOCALHOST", True, False, True),
        ("vts.localhost", True, False, True),
        ("127.0.0.1:8080", True, False, True),
        ("127.9.9.9", True, False, True),
        ("[::1]:8080", True, False, True),
        (PUBLIC, False, True, True),
        (f"{PUBLIC.upper()}.:443", False, True, True),
        ("rebound.example:8080", False, False, True),
        (f"{PUBLIC}.rebound.example", False, False, True),
        (f"localhost.{PUBLIC}", False, False, True),
        ("127.0.0.1.rebound.example", False, False, True),
        ("192.0.2.1", False, False, True),
        ("", False, False, True),
        ("[::1", False, False, True),
    ],
)
def test_a_host_is_ours(host: str, private: bool, listed: bool, open_to_all: bool) -> None:
    assert (host in OwnHosts([], loopback_only=True)) is private
    assert (host in OwnHosts([PUBLIC], loopback_only=True)) is (private or listed)
    assert (host in OwnHosts([PUBLIC], loopback_only=False)) is listed
    assert (host in OwnHosts([], loopback_only=False)) is open_to_all


def test_a_name_has_no_port_no_brackets_and_no_last_dot() -> None:
    assert [host_name(one) for one in ("A.b:1", "[::1]:1", "a.b.", "a b", "")] == ["a.b", "::1", "a.b", "a b", ""]
