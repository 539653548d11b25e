"""The name by which a request reached this service, and whether the name is one of its own."""

from __future__ import annotations

from quart import Request

from vts.web.access import Access, scheme_of
from vts.web.answers import Problem


def check_host(asked: Request, access: Access) -> None:
    """Raise Problem 421 for a Host that is not a name of this service.

    A page of another site can point its own name at this address; its requests carry that name."""
    if asked.host not in access.hosts:
        raise Problem(421, "Host: not a name of this service", "misdirected_request")


def base_url(asked: Request, access: Access) -> str:
    """Return the beginning of links, without a slash at the end: the public URL, else what the client used."""
    return access.schemes.public_url or f"{scheme_of(asked, access)}://{asked.host}"
