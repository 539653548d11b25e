"""The scheme by which a client reached this service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from vts.enrich.client_ip import UNKNOWN_ADDRESS, Networks, parse_address
from vts.model.hosts import host_name

_SCHEMES: Final = ("http", "https")


@dataclass(frozen=True, slots=True)
class Schemes:
    """`trusted`: proxies whose `X-Forwarded-Proto` is believed. `public_url`: where people reach VTS, or empty."""

    trusted: Networks
    public_url: str

    def of_client(self, peer: str, own: str, forwarded: Sequence[str]) -> str:
        """Return the scheme of the client: as a trusted proxy reports it (the last value), else the connection's `own`.

        `forwarded` holds the values of all `X-Forwarded-Proto` lines in their order.
        """
        reported = ",".join(forwarded).rpartition(",")[2].strip().lower()
        address = parse_address(peer) or UNKNOWN_ADDRESS
        return reported if reported in _SCHEMES and address in self.trusted else own

    def is_secure(self, scheme: str, host: str) -> bool:
        """Whether what is sent cannot be read on its way: HTTPS by its scheme, or by the public URL of this host."""
        public = urlsplit(self.public_url)
        return scheme == "https" or (public.scheme == "https" and host_name(public.netloc) == host_name(host))
