"""The name and scheme by which a request reached this service, and whether the name is one of its own."""

from __future__ import annotations

from typing import Final

from quart import Request

from vts.enrich.client_ip import UNKNOWN_ADDRESS, parse_address
from vts.web.access import Access
from vts.web.answers import Problem

_SCHEMES: Final = ("http", "https")


def check_host(asked: Request, access: Access) -> None:
    """Raise Problem 421 for a Host that is not a name of this service.

    A page of another site can point its own name at this address; its requests carry that name."""
    if asked.host not in access.hosts:
        raise Problem(421, "Host: not a name of this service", "misdirected_request")


def scheme_of(asked: Request, access: Access) -> str:
    """Return the scheme of the client: as a trusted proxy reports it (its last value), else that of the connection."""
    peer = parse_address(asked.remote_addr or "") or UNKNOWN_ADDRESS
    reported = asked.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
    return reported if reported in _SCHEMES and peer in access.trusted_proxies else asked.scheme


def base_url(asked: Request, access: Access) -> str:
    """Return the beginning of links, without a slash at the end: the public URL, else what the client used."""
    return access.public_url or f"{scheme_of(asked, access)}://{asked.host}"
