"""Viewer keys: who is one viewer, by account, address and agent, or player."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from vts.enrich.client_ip import Address, parse_address
from vts.enrich.viewer import ViewerKeys
from vts.model.identity import parse

SECRET = b"v" * 32
PLAYER = parse("01890a5d-ac96-774b-bcce-b302099a8057")


def at(text: str) -> Address:
    address = parse_address(text)
    assert address is not None
    return address


def test_keys_are_the_first_16_bytes_of_hmac_sha_256() -> None:
    keys = ViewerKeys(SECRET)
    assert keys.user(7) == hmac.new(SECRET, b"user:7", hashlib.sha256).digest()[:16]
    player = b"player:01890a5d-ac96-774b-bcce-b302099a8057"
    assert keys.player(PLAYER) == hmac.new(SECRET, player, hashlib.sha256).digest()[:16]


def test_every_kind_of_viewer_has_keys_of_its_own() -> None:
    keys = ViewerKeys(SECRET)
    made = {
        keys.user(7),
        keys.user(8),
        keys.player(PLAYER),
        keys.visitor(at("203.0.113.7"), "agent"),
        keys.visitor(at("203.0.113.7"), "agent2"),
        keys.visitor(at("203.0.113.7"), ""),
        keys.visitor(at("203.0.113.8"), "agent"),
        keys.visitor(at("2001:db8::1"), "agent"),
        keys.visitor(at("203.0.113.7"), "user:7"),
        keys.visitor(at("203.0.113.7"), "\udcff"),
        keys.visitor(at("203.0.113.7"), "é"),
        keys.address(at("203.0.113.7")),
        keys.agent_hash("agent"),
        keys.agent_hash("user:7"),
    }
    assert len(made) == 14
    assert {len(key) for key in made} == {16}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("203.0.113.7", "203.0.113.7:80", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.7", "203.0.113.8", False),
    ],
)
def test_mapped_addresses_are_unwrapped_and_ipv6_is_cut(one: str, other: str, same: bool) -> None:
    keys = ViewerKeys(SECRET)
    assert (keys.visitor(at(one), "a") == keys.visitor(at(other), "a")) is same


@pytest.mark.parametrize(
    ("other", "same"),
    [("2001:db8:1:2::9", True), ("2001:db8:1:ffff::1", True), ("2001:db8:2:2::1", False), ("203.0.113.8", False)],
)
def test_limits_of_an_ipv6_customer_hold_for_all_of_its_networks(other: str, same: bool) -> None:
    keys = ViewerKeys(SECRET)
    assert (keys.address(at("2001:db8:1:2::1")) == keys.address(at(other))) is same
    assert (keys.address(at("203.0.113.7")) == keys.address(at(other))) is False


def test_an_ipv4_address_and_an_agent_never_add_up_to_an_ipv6_network() -> None:
    keys = ViewerKeys(SECRET)
    network = at("2001:db8:4142:4344::1")
    assert keys.visitor(network, "x") != keys.visitor(Address(network.packed[:4]), "ABCDx")


def test_identity_by_address_alone_ignores_the_agent() -> None:
    keys = ViewerKeys(SECRET, identity="address")
    assert keys.visitor(at("203.0.113.7"), "a") == keys.visitor(at("203.0.113.7"), "b")
    assert keys.visitor(at("203.0.113.7"), "a") != keys.visitor(at("203.0.113.8"), "a")


def test_another_secret_makes_other_keys() -> None:
    one, other = ViewerKeys(SECRET), ViewerKeys(b"w" * 32, version=2)
    assert one.user(7) != other.user(7)
    assert (one.version, other.version) == (1, 2)


def test_a_short_secret_is_refused_and_none_is_shown() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        ViewerKeys(b"short")
    assert "vvvv" not in repr(ViewerKeys(SECRET))
