"""The live handshake: a request for `/live` is upgraded to a WebSocket, or refused before the upgrade."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import trio
from trio_websocket import WebSocketRequest, wrap_server_stream

from vts.auth.sessions import Sessions, SessionsNotLoaded, cookie_name
from vts.auth.tickets import Tickets
from vts.auth.tokens import BadToken, Tokens
from vts.capture.http.endings import LiveRequest
from vts.enrich.client_ip import subscriber_of
from vts.enrich.schemes import Schemes
from vts.live import upgrade, websocket
from vts.live.hub import Hub
from vts.model.day import SECOND_US
from vts.model.ports import Clock
from vts.model.principal import Principal
from vts.model.reference import NoReferenceKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """Serves the requests that the door hands over. `rules`: which pages and names may ask."""

    hub: Hub
    rules: upgrade.Rules
    deadlines: websocket.Deadlines
    tokens: Tokens
    tickets: Tickets
    sessions: Sessions
    schemes: Schemes
    clock: Clock

    async def serve(self, request: LiveRequest, stream: trio.abc.Stream) -> None:
        """Decide about a request and talk until either side ends it. The stream stays the caller's to close."""
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
        verdict = upgrade.decide(
            headers,
            request.query,
            rules=self.rules,
            verify=self._verify,
            redeem=self._redeem,
            session=upgrade.SessionCheck(self._cookie_name(request), self._session),
        )
        async with trio.open_nursery() as nursery:
            asked = await wrap_server_stream(nursery, stream, max_message_size=websocket.MESSAGE_MAX_CHARS)
            match verdict:
                case upgrade.UpgradeAllowed(principal, is_public):
                    await websocket.serve(
                        asked,
                        self.hub,
                        principal,
                        address=self._place(request),
                        is_public=is_public,
                        deadlines=self.deadlines,
                    )
                case upgrade.UpgradeRefused():
                    await _refuse(asked, verdict)
            nursery.cancel_scope.cancel()

    def _place(self, request: LiveRequest) -> str:
        """Return by what connections are counted: the client's IPv4 address or IPv6 /64."""
        forwarded = [value for name, value in request.headers if name == "x-forwarded-for"]
        return subscriber_of(request.peer, forwarded, self.schemes.trusted)

    def _verify(self, token: str) -> Principal | None:
        try:
            return self.tokens.verify(token, self.clock() / SECOND_US)
        except (BadToken, NoReferenceKey):  # a user named by text is unknown until the catalog is there
            return None

    def _cookie_name(self, request: LiveRequest) -> str | None:
        """Return the name of the cookie that may hold a session, by how the client reached us."""
        forwarded = [value for name, value in request.headers if name == "x-forwarded-proto"]
        scheme = self.schemes.of_client(request.peer, "https" if request.secure else "http", forwarded)
        host = request.header("host") or ""
        return cookie_name(host, is_secure=self.schemes.is_secure(scheme, host))

    def _session(self, cookie: str) -> Principal | None:
        try:
            return self.sessions.principal(cookie, self.clock() / SECOND_US)
        except (SessionsNotLoaded, NoReferenceKey):
            return None

    def _redeem(self, ticket: str) -> Principal | None:
        return self.tickets.redeem(ticket, self.clock() / SECOND_US)


async def _refuse(asked: WebSocketRequest, refusal: upgrade.UpgradeRefused) -> None:
    body = msgspec.json.encode({"error": refusal.error, "error_code": refusal.error_code})
    headers = [(b"content-type", b"application/json")]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await asked.reject(refusal.status, extra_headers=headers, body=body)
