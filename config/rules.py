"""Rules of single settings that a type cannot express. A rule returns what is wrong and what is allowed, or None."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from config.settings import PORT_MAX
from vts.model.principal import ROLES

SECRET_MIN_BYTES: Final = 32
SECRET_MIN_DISTINCT: Final = 4

SettingKey = tuple[str, str]
"""(section, name)."""

Rule = Callable[[Any], tuple[str, str] | None]


def _networks(values: Any) -> tuple[str, str] | None:
    for value in values:
        try:
            ip_network(value, strict=False)
        except ValueError:
            return f"{value!r} is not a network", "addresses or networks, like 10.0.0.0/8, separated by commas"
    return None


def _origins(values: Any) -> tuple[str, str] | None:
    bad = [value for value in values if not re.fullmatch(r"https?://[^/\s]+", value)]
    return (f"{bad[0]!r} is not an origin", "origins like https://example.org, separated by commas") if bad else None


def _secret(value: Any) -> tuple[str, str] | None:
    short = 0 < len(value.encode()) < SECRET_MIN_BYTES
    return ("too short", f"at least {SECRET_MIN_BYTES} bytes, or nothing to have one generated") if short else None


def _signing_secret(value: Any) -> tuple[str, str] | None:
    if value and len(set(value)) < SECRET_MIN_DISTINCT:
        return "too weak", f"at least {SECRET_MIN_DISTINCT} different characters, like those of `openssl rand -hex 32`"
    return _secret(value)


def _readable(value: Any) -> tuple[str, str] | None:
    missing = value and not os.access(value, os.R_OK)
    return ("the file cannot be read", "the path of a readable file, or nothing") if missing else None


def _scheme(*schemes: str) -> Rule:
    def rule(value: str) -> tuple[str, str] | None:
        fits = not value or any(re.fullmatch(rf"{scheme}://.+", value) for scheme in schemes)
        return None if fits else ("not such an address", " or ".join(f"{scheme}://…" for scheme in schemes))

    return rule


def _database_url(value: str) -> tuple[str, str] | None:
    """Look at what the driver would fail over: its own words would repeat a part of the address."""
    hosts = urlsplit(value).netloc.rpartition("@")[2] if value.count("[") == value.count("]") else "["
    ports = [re.fullmatch(r"(?:\[[^\]]*\]|[^:\[\]]*)(?::([0-9]{0,5}))?", host) for host in hosts.split(",")]
    if all(port is not None and int(port[1] or 0) <= PORT_MAX for port in ports):
        return _scheme("postgresql", "postgres")(value)
    return "not an address", "postgresql://user:password@host:5432/database"


def _listen(value: Any) -> tuple[str, str] | None:
    parts = re.fullmatch(r"(?:\[[0-9a-fA-F:]+\]|[^:\s]+):([0-9]{1,5})", value)
    fits = not value or (parts is not None and int(parts[1]) <= PORT_MAX)
    return None if fits else ("not an address to listen on", "host:port, like 127.0.0.1:1883")


def pairs_in(values: list[str]) -> dict[str, str]:
    """Return `NAME => ROLE` lines as a mapping."""
    return {name.strip(): role.strip() for name, _, role in (value.rpartition("=>") for value in values)}


def _roles(values: Any) -> tuple[str, str] | None:
    for value in values:
        name, arrow, role = value.rpartition("=>")
        if not arrow or not name.strip() or role.strip() not in ROLES:
            return f"{value!r} maps to no role", f"pairs like admin => moderator; the roles are {', '.join(ROLES)}"
    if len(pairs_in(values)) < len(values):
        return "a name is there twice", "every name once"
    return None


def _timezone(value: Any) -> tuple[str, str] | None:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        return "unknown time zone", "an IANA name, like Europe/Berlin"
    return None


RULES: Final[dict[SettingKey, Rule]] = {
    ("http", "trusted_proxies"): _networks,
    ("http", "allowed_origins"): _origins,
    ("auth", "secret"): _signing_secret,
    ("auth", "session_secret"): _signing_secret,
    ("auth", "role_map"): _roles,
    ("auth", "role_flags"): _roles,
    ("privacy", "viewer_secret"): _secret,
    ("database", "url"): _database_url,
    ("mqtt", "url"): _scheme("mqtt", "mqtts"),
    ("mqtt", "listen"): _listen,
    ("site", "timezone"): _timezone,
} | dict.fromkeys(
    (
        ("http", "tls_cert_file"),
        ("http", "tls_key_file"),
        ("mqtt", "ca_file"),
        ("mqtt", "tls_cert_file"),
        ("mqtt", "tls_key_file"),
        ("mqtt", "client_ca_file"),
        ("auth", "public_key_file"),
        ("auth", "revoked_file"),
    ),
    _readable,
)
