"""Whose address counts: trusted proxies, and forged forwarding headers."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vts.enrich.client_ip import UNKNOWN_ADDRESS, Address, Networks, client_address, parse_address, subscriber_of

NO_PROXIES = Networks()
ONE = Networks(["10.0.0.0/8"])
TWO = Networks(["10.0.0.0/8", " 192.0.2.1 ", "2001:db8:f::/48"])


def packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7\t", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("2001:DB8:0:0:0:0:0:7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:cb00:7107", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:443", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("::", "::"),
        ("", None),
        (" ", None),
        ("unknown", None),
        ("_hidden", None),
        ("localhost", None),
        ("203.0.113", None),
        ("203.0.113.256", None),
        ("203.0.113.07", None),
        ("0x7f.0.0.1", None),
        ("2130706433", None),
        ("203.0.113.7:", None),
        ("203.0.113.7:http", None),
        ("203.0.113.7:123456", None),
        ("203.0.113.7/24", None),
        ("203.0.113.7, 10.0.0.1", None),
        ("203.0.113.7;x", None),
        ("[203.0.113.7]", None),
        ("[2001:db8::7", None),
        ("[2001:db8::7]x", None),
        ("2001:db8::7::", None),
        ('"[2001:db8::7]"', None),
        ("٢٠٣.0.113.7", None),
        ("203.0.113.7\x00", None),
        ("\udcff", None),
        ("1" * 65, None),
        ("1" * 16_000, None),
    ],
)
def test_addresses(text: str, address: str | None) -> None:
    found = parse_address(text)
    assert (found.packed if found else None) == (packed(address) if address else None)


@pytest.mark.parametrize(
    ("trusted", "peer", "lines", "address", "garbage"),
    [
        # No proxy is trusted: the header is never read.
        (NO_PROXIES, "203.0.113.7", [], "203.0.113.7", False),
        (NO_PROXIES, "203.0.113.7", ["198.51.100.1"], "203.0.113.7", False),
        (NO_PROXIES, "203.0.113.7", ["rubbish"], "203.0.113.7", False),
        (NO_PROXIES, "::ffff:203.0.113.7", ["198.51.100.1"], "203.0.113.7", False),
        # The peer is no proxy of ours.
        (ONE, "203.0.113.7", ["198.51.100.1"], "203.0.113.7", False),
        (ONE, "203.0.113.7", ["10.0.0.1"], "203.0.113.7", False),
        # One proxy.
        (ONE, "10.0.0.1", [], "10.0.0.1", False),
        (ONE, "10.0.0.1", ["203.0.113.7"], "203.0.113.7", False),
        (ONE, "::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7", False),
        (ONE, "10.0.0.1", ["198.51.100.1, 203.0.113.7"], "203.0.113.7", False),
        (ONE, "10.0.0.1", ["198.51.100.1", "203.0.113.7"], "203.0.113.7", False),
        (ONE, "10.0.0.1", ["rubbish, 203.0.113.7"], "203.0.113.7", False),
        (ONE, "10.0.0.1", ["203.0.113.7, "], "203.0.113.7", False),
        (ONE, "10.0.0.1", ["203.0.113.7", "", " , ,"], "203.0.113.7", False),
        (ONE, "10.0.0.1", ["203.0.113.7:4711"], "203.0.113.7", False),
        (ONE, "10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7", False),
        # Two proxies in a row.
        (ONE, "10.0.0.1", ["198.51.100.1, 203.0.113.7, 10.0.0.2"], "203.0.113.7", False),
        (ONE, "10.0.0.1", ["198.51.100.1, 203.0.113.7", "10.0.0.2"], "203.0.113.7", False),
        (TWO, "192.0.2.1", ["203.0.113.7, 10.0.0.2"], "203.0.113.7", False),
        (TWO, "2001:db8:f::1", ["203.0.113.7, 192.0.2.1"], "203.0.113.7", False),
        (TWO, "192.0.2.2", ["203.0.113.7"], "192.0.2.2", False),
        (ONE, "10.0.0.1", ["203.0.113.7, ::ffff:10.0.0.2"], "203.0.113.7", False),
        # Garbage where a proxy should have written: the peer, and it is said.
        (ONE, "10.0.0.1", ["rubbish"], "10.0.0.1", True),
        (ONE, "10.0.0.1", ["203.0.113.7, rubbish"], "10.0.0.1", True),
        (ONE, "10.0.0.1", ["203.0.113.7, unknown, 10.0.0.2"], "10.0.0.1", True),
        (ONE, "10.0.0.1", ["203.0.113.7 10.0.0.2"], "10.0.0.1", True),
        (ONE, "10.0.0.1", ["x" * 16_000], "10.0.0.1", True),
        (ONE, "10.0.0.1", ["203.0.113.7" + ",10.0.0.2" * 40], "10.0.0.1", True),
        # Only proxies: a request of a proxy itself.
        (ONE, "10.0.0.1", ["10.0.0.9"], "10.0.0.1", False),
        (ONE, "10.0.0.1", ["", ","], "10.0.0.1", False),
        # A peer without an address: a local socket.
        (ONE, "", ["203.0.113.7"], "::", False),
        (ONE, "unix", [], "::", False),
    ],
)
def test_whose_address_counts(trusted: Networks, peer: str, lines: Sequence[str], address: str, garbage: bool) -> None:
    found, said = client_address(peer, lines, trusted)
    assert found == (Address(packed(address)) if address != "::" else UNKNOWN_ADDRESS)
    assert said is garbage


def test_ten_thousand_forged_headers_change_no_address() -> None:
    """A visitor writes what he likes; proxies of ours append what they saw. What he wrote never counts."""
    chance = random.Random(21)
    visitor = Address(packed("203.0.113.7"))

    def forged() -> str:
        return chance.choice(
            [
                str(ipaddress.IPv4Address(chance.getrandbits(32))),
                str(ipaddress.IPv6Address(chance.getrandbits(128))),
                f"10.0.0.{chance.randrange(256)}",
                "127.0.0.1",
                "::ffff:10.0.0.1",
                "",
                "unknown",
                "\x00",
                "198.51.100.1:1",
                "x" * chance.randrange(200),
            ]
        )

    for _ in range(10_000):
        lines = [", ".join(forged() for _ in range(chance.randrange(5))) for _ in range(chance.randrange(3))]
        assert client_address("203.0.113.7", lines, NO_PROXIES) == (visitor, False)
        assert client_address("203.0.113.7", lines, ONE) == (visitor, False)
        for proxies in ([], ["10.0.0.2"]):
            seen = ["203.0.113.7", *proxies]
            as_new_line = [*lines, ", ".join(seen)]
            appended = [*lines[:-1], ", ".join([*lines[-1:], *seen])]
            assert client_address("10.0.0.1", as_new_line, ONE) == (visitor, False)
            assert client_address("10.0.0.1", appended, ONE) == (visitor, False)


@given(st.lists(st.text(max_size=80), max_size=4), st.text(max_size=80))
def test_any_text_is_an_address_or_none(lines: list[str], peer: str) -> None:
    address, _ = client_address(peer, lines, Networks(["0.0.0.0/0", "::/0"]))
    assert len(address.packed) in {4, 16}


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
        ("10.1.2.3/8", "10.0.0.1", "11.0.0.0"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("0.0.0.0/0", "203.0.113.7", "2001:db8::1"),
        ("::/0", "2001:db8::1", "203.0.113.7"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
        ("::ffff:10.0.0.0/104", "10.1.1.1", "11.0.0.0"),
    ],
)
def test_networks(network: str, inside: str, outside: str) -> None:
    networks = Networks([network])
    assert Address(packed(inside)) in networks
    assert Address(packed(outside)) not in networks
    assert networks
    assert not Networks([])


@pytest.mark.parametrize("text", ["", "rubbish", "10.0.0.0/33", "10.0.0.256", "10.0.0.0-10.0.0.9"])
def test_what_is_no_network_is_refused_at_start(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        Networks([text])


def test_an_address_is_never_written() -> None:
    address = parse_address("203.0.113.7")
    assert address is not None
    shown = f"{address} {address!r} {[address]} {(address, 1)}"
    assert "203" not in shown
    assert str(address.packed) not in shown
    assert address.exposed() == "203.0.113.7"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ],
)
def test_the_part_that_identifies_a_subscriber(one: str, other: str, same: bool) -> None:
    assert (Address(packed(one)).network == Address(packed(other)).network) is same
    proxy, trusted = "10.0.0.1", Networks(["10.0.0.0/8"])
    assert (subscriber_of(proxy, [one], trusted) == subscriber_of(proxy, [other], trusted)) is same
    assert subscriber_of(proxy, [one], NO_PROXIES) == subscriber_of(proxy, [other], NO_PROXIES)
