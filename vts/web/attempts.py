"""How often a secret may be wrong: for an address, and in all. What was right uses nothing up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Final

from quart import Request

from vts.admit.tables import Buckets
from vts.enrich.client_ip import client_address
from vts.model.day import SECOND_US
from vts.web.access import Access
from vts.web.answers import Problem

PER_MINUTE: Final = 10  # of an address: a person who tries links of old mails needs fewer
BURST: Final = 10
ALL_PER_MINUTE: Final = 600  # secrets have 128 bits and more: this bounds the work, not the chance
ALL_BURST: Final = 600
ADDRESSES_MAX: Final = 100_000
_ALL: Final = b""


class Attempts:
    """Limits of one process, in memory."""

    def __init__(self) -> None:
        self._of_address = Buckets(PER_MINUTE, BURST, ADDRESSES_MAX)
        self._of_all = Buckets(ALL_PER_MINUTE, ALL_BURST, 1)

    @contextmanager
    def attempt(self, asked: Request, access: Access) -> Iterator[None]:
        """Count an attempt that ends with 401 or 404. Raises Problem 429 when there were too many of these.

        It is counted when it has failed: attempts that are right take no place, however many wait for their answer.
        """
        forwarded = asked.headers.getlist("X-Forwarded-For")
        address = client_address(asked.remote_addr or "", forwarded, access.schemes.trusted)[0].network
        limits = ((self._of_address, address), (self._of_all, _ALL))
        for bucket, key in limits:
            bucket.age(access.clock())
            if wait_us := bucket.take(key, access.clock()):
                raise _too_many(wait_us)
            bucket.give_back(key)
        try:
            yield
        except Problem as fault:
            if fault.status in (401, 404):
                for bucket, key in limits:
                    bucket.take(key, access.clock())
            raise


def _too_many(wait_us: int) -> Problem:
    headers = {"Retry-After": str(ceil(wait_us / SECOND_US))}
    return Problem(429, "too many attempts; try again later", headers=headers)
