"""Which address a request counts for: the peer's, or the one that a trusted proxy forwards.

Forwarding headers are read from the right, the only end that a visitor cannot write to (RFC 7239, section 8.1).
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

ADDRESS_MAX_CHARS: Final = 64  # the longest address is 45, with brackets, port and interface name less than 64
HOPS_MAX: Final = 32  # proxies in a row that are ours; more is a loop or an attack
_REMEMBERED_MAX: Final = 8_192
_MAPPED: Final = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, RFC 4291 section 2.5.5.2
_FAMILIES: Final = {4: socket.AF_INET, 16: socket.AF_INET6}


class Address:
    """A client's address: 4 or 16 bytes in `packed`. It is never written as text, so that no log line can hold it."""

    __slots__ = ("packed",)

    def __init__(self, packed: bytes) -> None:
        self.packed = packed

    def __repr__(self) -> str:
        return "Address(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and self.packed == other.packed

    def __hash__(self) -> int:
        return hash(self.packed)

    @property
    def network(self) -> bytes:
        """The part that identifies a subscriber: all of IPv4, the first 64 bits of IPv6 (hosts draw the rest)."""
        return self.packed[:8]

    @property
    def site(self) -> bytes:
        """The part that one customer of a provider gets at most: all of IPv4, the first 48 bits of IPv6 (RFC 6177)."""
        return self.packed if len(self.packed) == 4 else self.packed[:6]

    def exposed(self) -> str:
        """Return the textual form, for a look-up in a database of addresses and nothing else."""
        return socket.inet_ntop(_FAMILIES[len(self.packed)], self.packed)


UNKNOWN_ADDRESS: Final = Address(bytes(16))  # "::", the unspecified address: a peer on a local socket has none


class Networks:
    """The proxies whose forwarding headers are trusted. Raises ValueError for text that is no network."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._networks = [_masked(ip_network(text.strip(), strict=False)) for text in texts]
        self._holds = lru_cache(_REMEMBERED_MAX)(self._search)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: Address) -> bool:
        return bool(self._networks) and self._holds(address.packed)

    def _search(self, packed: bytes) -> bool:
        number, size = int.from_bytes(packed, "big"), len(packed)
        return any(size == of_size and number & mask == prefix for of_size, prefix, mask in self._networks)


def parse_address(text: str) -> Address | None:
    """Read an IPv4 or IPv6 address, with or without brackets, port or interface name; None for anything else."""
    text = text.strip(" \t")
    return _parse(text) if 0 < len(text) <= ADDRESS_MAX_CHARS else None


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Networks) -> tuple[Address, bool]:
    """Return the address that counts, and whether a trusted proxy sent garbage (then it is the peer's).

    `forwarded_for` holds the values of all `X-Forwarded-For` lines in their order.
    """
    at_peer = parse_address(peer) or UNKNOWN_ADDRESS
    if not forwarded_for or at_peer not in trusted:
        return at_peer, False
    for hops, element in enumerate(_from_the_right(forwarded_for), start=1):
        address = parse_address(element)
        if address is None or hops > HOPS_MAX:
            return at_peer, True
        if address not in trusted:
            return address, False
    return at_peer, False


def subscriber_of(peer: str, forwarded_for: Sequence[str], trusted: Networks) -> str:
    """Return by what the open connections of a client are counted: its IPv4 address or IPv6 /64, as hexadecimal digits.

    It is kept while a connection is open and no longer.
    """
    return client_address(peer, forwarded_for, trusted)[0].network.hex()


def _from_the_right(lines: Sequence[str]) -> Iterator[str]:
    """Yield the elements of a list header, last first; empty ones do not count (RFC 9110, section 5.6.1)."""
    for line in reversed(lines):
        rest, comma = line, ","
        while comma:
            rest, comma, element = rest.rpartition(",")
            if element := element.strip(" \t"):
                yield element


@lru_cache(_REMEMBERED_MAX)  # bounded, and every key is at most ADDRESS_MAX_CHARS long
def _parse(text: str) -> Address | None:
    host = _without_port(text).partition("%")[0]
    try:
        packed = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    except (OSError, ValueError):  # ValueError: a NUL, or a character that is not ASCII
        return None
    return Address(packed[12:] if packed.startswith(_MAPPED) else packed)


def _without_port(text: str) -> str:
    """Some proxies write the client's port: `203.0.113.7:4711`, `[2001:db8::7]:4711`."""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        return host if bracket and ":" in host and (not port or _is_port(port)) else ""
    host, colon, port = text.partition(":")
    return host if "." in host and _is_port(colon + port) else text


def _is_port(text: str) -> bool:
    return text.startswith(":") and text[1:].isascii() and text[1:].isdigit() and len(text) <= 6


def _masked(network: IPv4Network | IPv6Network) -> tuple[int, int, int]:
    """Return address size, prefix and mask; a network of mapped IPv4 addresses is unwrapped like the addresses are."""
    prefix = network.network_address.packed
    mask = network.netmask.packed
    if prefix.startswith(_MAPPED) and network.prefixlen >= 96:
        prefix, mask = prefix[12:], mask[12:]
    return len(prefix), int.from_bytes(prefix, "big"), int.from_bytes(mask, "big")
