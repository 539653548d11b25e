"""Which live connections there are: bounded in all and per address, and ended when their token ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import trio

from vts.live.board import Reader
from vts.live.frames import TOPICS_MAX
from vts.model.faults import TooManyClients
from vts.model.principal import Principal

TOKEN_CHECK_S: Final = 2.0  # how long a connection may outlive its token
TOKENS_AT_ONCE: Final = 200  # checked in one step: half a millisecond with a file of revoked ones


class Connections:
    """Readers by address. `holds` returns whether a principal's token is still valid."""

    def __init__(
        self,
        clients_max: int,
        clients_per_address: int,
        holds: Callable[[Principal], bool] = lambda principal: True,
        topics_max: int = TOPICS_MAX,
        *,
        is_public: bool = False,
    ) -> None:
        """`topics_max`: how many topics each may follow. `is_public`: what everyone may see, and nothing else."""
        self._topics_max = topics_max
        self._is_public = is_public
        self._clients_max = clients_max
        self._clients_per_address = clients_per_address
        self._holds = holds
        self._readers: set[Reader] = set()
        self._addresses: dict[str, int] = {}
        self._stopping = False

    def __len__(self) -> int:
        return len(self._readers)

    @contextmanager
    def admitted(self, address: str, principal: Principal | None) -> Iterator[Reader]:
        """Count a connection within the block. Raises TooManyClients. The address is not kept longer."""
        if self._stopping:
            raise TooManyClients("closing")
        if len(self._readers) >= self._clients_max:
            raise TooManyClients("too many live connections")
        if self._addresses.get(address, 0) >= self._clients_per_address:
            raise TooManyClients("too many live connections from this address", of_address=True)
        reader = Reader(principal, self._topics_max, is_public=self._is_public)
        self._readers.add(reader)
        self._addresses[address] = self._addresses.get(address, 0) + 1
        try:
            yield reader
        finally:
            self._dismiss(reader, address)

    def stop(self) -> None:
        """End every connection (1001) and admit no further one."""
        self._stopping = True
        for reader in self._readers:
            reader.leave()

    async def end_with_tokens(self) -> None:
        """End connections whose token has expired or was revoked, within seconds. Runs until cancelled."""
        while True:
            await trio.sleep(TOKEN_CHECK_S)
            for number, reader in enumerate(tuple(self._readers), start=1):
                if reader.principal is not None and not self._holds(reader.principal):
                    reader.expire()
                if number % TOKENS_AT_ONCE == 0:
                    await trio.lowlevel.checkpoint()

    def _dismiss(self, reader: Reader, address: str) -> None:
        self._readers.discard(reader)
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]
        reader.unfollow_all(trio.current_time())
