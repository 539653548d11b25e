"""Live counts as server-sent events, for clients that only listen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import trio

from vts.live.frames import TOPICS_MAX, error
from vts.live.hub import Hub, NotFollowed
from vts.model.principal import Principal

KEEP_ALIVE_S: Final = 15.0  # below the shortest idle limit of common proxies
_HELLO: Final = b"retry: 2000\n\n"
_ALIVE: Final = b": keep-alive\n\n"


async def events(
    hub: Hub,
    principal: Principal | None,
    topics: str,
    *,
    address: str,
    is_public: bool = False,
    keep_alive_s: float = KEEP_ALIVE_S,
) -> AsyncIterator[bytes]:
    """Give the bytes of `GET /live/events?topics=post:42,site`, piece by piece, until the hub closes or the token ends.

    Raises TooManyClients before the first piece. A topic that may not be followed is named in an error event. The
    connection counts until the iterator is closed. `is_public`: it is one without a token.
    """
    with hub.admitted(address, principal, is_public=is_public) as reader:
        yield _HELLO
        for number, name in enumerate(topics.split(",")):
            if number == TOPICS_MAX:
                yield error(f"topics: at most {TOPICS_MAX} are expected", "too_many_topics").server_sent_event
                break
            try:
                await hub.subscribe(reader, principal, name.strip())
            except NotFollowed as why:
                yield error(str(why), why.code, why.topic).server_sent_event
        while True:
            with trio.move_on_after(keep_alive_s) as deadline:
                frame = await reader.next()
            if deadline.cancelled_caught:
                yield _ALIVE
            elif frame is None:
                return
            else:
                yield frame.server_sent_event
