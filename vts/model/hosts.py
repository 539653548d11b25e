"""Which names in a `Host` header are ours. Pure.

A page of another site can have its own name resolve to our address (DNS rebinding). Its requests then carry that name
as Host and as Origin, so they look like those of our own pages: only the name itself gives them away.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit


def host_name(host: str) -> str:
    """Return the name or address of a `Host` value: lower case, without port, brackets and a last dot."""
    try:
        name = urlsplit(f"//{host.strip()}").hostname or ""
    except ValueError:
        return ""
    return name.removesuffix(".")


class OwnHosts:
    """The names that are ours: those that are listed; of a process that only its machine reaches, loopback names, too.

    A process that others reach, and that has no list, cannot know its names: then every name passes.
    """

    def __init__(self, listed: Iterable[str], *, loopback_only: bool) -> None:
        self._listed = frozenset(host_name(one) for one in listed) - {""}
        self._loopback_only = loopback_only

    def __contains__(self, host: object) -> bool:
        name = host_name(host) if isinstance(host, str) else ""
        if name in self._listed:
            return True
        if self._loopback_only:
            return _is_loopback(name)
        return not self._listed


def is_loopback_name(host: str) -> bool:
    """Whether a `Host` value names the machine of the client itself."""
    return _is_loopback(host_name(host))


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
