"""Which answers of the web application pages of other origins may read (the door does the same for capture)."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any, Final, TypeVar

from quart import Request, Response, current_app

from vts.capture.http.origins import is_origin, preflight_headers

_MARK: Final = "is_public"
_METHODS: Final = "GET, POST, DELETE, OPTIONS"
_PUBLIC_METHODS: Final = "GET, HEAD, OPTIONS"

Route = TypeVar("Route", bound=Callable[..., Any])


def public(route: Route) -> Route:
    """Mark a route (below its `@routes.get`) whose answers are public: every page may read them, no cookie counts."""
    setattr(route, _MARK, True)
    return route


def is_public(asked: Request) -> bool:
    """Whether the route of a request is marked as `public`; a preflight belongs to the route that it asks about."""
    return getattr(current_app.view_functions.get(asked.endpoint or ""), _MARK, False)


def allow_every_page(asked: Request, answer: Response) -> None:
    """Let the page that asked read the answer, with credentials; without an Origin every page, without them."""
    origin = asked.headers.get("Origin", "")
    if not is_origin(origin):
        answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.vary.add("Origin")
        return
    _allow(asked, answer, origin, _PUBLIC_METHODS)


def allow_page(asked: Request, answer: Response, allowed: Container[str]) -> None:
    """Let the page that asked read the answer if its origin is one of those that the settings allow."""
    origin = asked.headers.get("Origin")
    if origin in allowed and "Access-Control-Allow-Origin" not in answer.headers:
        assert origin is not None
        _allow(asked, answer, origin, _METHODS)


def _allow(asked: Request, answer: Response, origin: str, methods: str) -> None:
    answer.headers["Access-Control-Allow-Origin"] = origin
    answer.headers["Access-Control-Allow-Credentials"] = "true"
    answer.vary.add("Origin")
    if asked.method == "OPTIONS":
        requested = [value.encode("latin-1") for value in asked.headers.getlist("Access-Control-Request-Headers")]
        answer.headers.update(dict(preflight_headers(methods, requested)))
