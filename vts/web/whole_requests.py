"""How the framework gets a request that has arrived whole: in the task that calls it.

Quart starts two tasks for a request, one of which reads the body and waits for the client to leave. Behind our door the
body is there, and the door cancels the call when the client leaves.
"""

from __future__ import annotations

from math import inf
from typing import Any

import trio
from quart_trio.asgi import TrioASGIHTTPConnection


class WholeRequests(TrioASGIHTTPConnection):
    """One request of the door. The first event has the whole body."""

    async def __call__(self, receive: Any, send: Any) -> None:
        """Answer the request."""
        asked = self._create_request_from_scope(send)
        event = await receive()
        asked.body.append(event.get("body", b""))
        asked.body.set_complete()
        answer = await self.app.handle_request(asked)
        timeout = getattr(answer, "timeout", ...)
        if timeout is ...:
            timeout = self.app.config["RESPONSE_TIMEOUT"]
        with trio.move_on_after(inf if timeout is None else timeout):
            await self._send_response(send, answer)
