"""Why a request is refused for its form alone: the protocol or a bound."""

from __future__ import annotations


class HttpFault(Exception):
    """The request breaks the protocol or a bound. It is answered with `status`, and the connection is closed.

    `text` names the fault and never repeats what the client sent.
    """

    def __init__(self, status: int, code: str, text: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.headers = headers


def bad(text: str) -> HttpFault:
    """Return the fault of a request that is not well-formed."""
    return HttpFault(400, "bad_request", text)


def too_large(text: str) -> HttpFault:
    """Return the fault of a body that exceeds its bound."""
    return HttpFault(413, "too_large", text)
