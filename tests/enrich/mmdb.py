"""Writes small country files in the MaxMind DB format 2.0, so that every shape of record can be tested."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

EMPTY = -1
INTEGERS = {
    "binary_format_major_version": 5,
    "binary_format_minor_version": 5,
    "ip_version": 5,
    "record_size": 5,
    "node_count": 6,
}


def database(networks: Mapping[str, Any], *, ip_version: int = 6) -> bytes:
    """Return a file that holds these records for these networks. IPv4 lies at ::/96 when `ip_version` is 6."""
    nodes: list[list[int]] = [[EMPTY, EMPTY]]
    data = bytearray()
    for text, record in networks.items():
        position = len(data)
        data += _value(record)
        _insert(nodes, _bits(text, ip_version), position)
    metadata = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1_780_345_978,
        "database_type": "Country",
        "description": {},
        "ip_version": ip_version,
        "languages": [],
        "node_count": len(nodes),
        "record_size": 24,
    }
    tree = b"".join(_record(target, len(nodes)) for node in nodes for target in node)
    return tree + bytes(16) + bytes(data) + b"\xab\xcd\xefMaxMind.com" + _value(metadata)


def _bits(text: str, ip_version: int) -> str:
    network = ipaddress.ip_network(text)
    lead = "0" * 96 if network.version == 4 and ip_version == 6 else ""
    return lead + f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]


def _insert(nodes: list[list[int]], bits: str, position: int) -> None:
    """A non-negative target is a node; data positions are stored below `EMPTY`."""
    at = 0
    for bit in bits[:-1]:
        if nodes[at][int(bit)] == EMPTY:
            nodes.append([EMPTY, EMPTY])
            nodes[at][int(bit)] = len(nodes) - 1
        at = nodes[at][int(bit)]
    nodes[at][int(bits[-1])] = -2 - position


def _record(target: int, node_count: int) -> bytes:
    value = node_count if target == EMPTY else target if target >= 0 else node_count + 16 + (-2 - target)
    return value.to_bytes(3, "big")


def _value(value: Any, kind: int = 9) -> bytes:
    """Encode a value; `kind` is the width of an integer: 5 for 16 bits, 6 for 32, 9 for 64."""
    match value:
        case str():
            raw = value.encode()
            return _control(2, len(raw)) + raw
        case int():
            raw = value.to_bytes(8, "big").lstrip(b"\x00")
            return _control(kind, len(raw)) + raw
        case dict():
            items = (_value(key) + _value(item, INTEGERS.get(key, 9)) for key, item in value.items())
            return _control(7, len(value)) + b"".join(items)
        case list():
            return _control(11, len(value)) + b"".join(_value(item) for item in value)
        case _:
            raise TypeError(value)


def _control(kind: int, size: int) -> bytes:
    assert size < 285
    low, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return bytes([kind << 5 | low]) + more if kind < 8 else bytes([low, kind - 7]) + more
