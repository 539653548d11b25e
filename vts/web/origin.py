"""By which name and scheme a request reached us, and whether that name is ours."""

from __future__ import annotations

from typing import Final

from quart import Request

from vts.enrich.client_ip import UNKNOWN_ADDRESS, parse_address
from vts.web.access import Access
from vts.web.answers import Problem

_SCHEMES: Final = ("http", "https")


def check_host(asked: Request, access: Access) -> None:
    """Raise Problem 421 for a Host that is not ours: a page of another site whose name was pointed at our address."""
    if asked.host not in access.hosts:
        raise Problem(421, "Host: not a name of this service", "misdirected_request")


def scheme_of(asked: Request, access: Access) -> str:
    """Return the scheme that the client used: as a trusted proxy says (its own word is the last), else as we see it."""
    peer = parse_address(asked.remote_addr or "") or UNKNOWN_ADDRESS
    said = asked.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
    return said if said in _SCHEMES and peer in access.trusted_proxies else asked.scheme


def base_url(asked: Request, access: Access) -> str:
    """Return what our links begin with, without a slash at the end: the public URL, else what the client used."""
    return access.public_url or f"{scheme_of(asked, access)}://{asked.host}"
