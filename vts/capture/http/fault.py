"""Why a request is refused before anybody looks at its meaning."""

from __future__ import annotations


class HttpFault(Exception):
    """The request breaks the protocol or a bound. The client is told, and the connection is closed.

    `text` names the fault and never repeats what the client sent.
    """

    def __init__(self, status: int, code: str, text: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.headers = headers


def bad(text: str) -> HttpFault:
    """A request that is not well-formed."""
    return HttpFault(400, "bad_request", text)


def too_large(text: str) -> HttpFault:
    """A body that exceeds its bound."""
    return HttpFault(413, "too_large", text)
