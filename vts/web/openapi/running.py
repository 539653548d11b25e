"""Live counts, pages, and what operators ask."""

from __future__ import annotations

from functools import partial
from typing import Final

from vts.web.openapi.builders import (
    FLAG,
    HTML,
    JSON,
    TEXT,
    Json,
    Paths,
    answer,
    array,
    obj,
    operation,
    path_id,
    words,
)

# Links to pages get parameters on their way (of mails, of campaigns), probes and scrapers have their own.
_open: Final = partial(operation, ignores_unknown=True)

OPERATIONS: Final = "Operations"
PAGES: Final = "Pages"
_READY: Final = obj(
    {
        "status": words("ok", "degraded", "unavailable"),
        "accepting_events": FLAG,
        "degraded": array(TEXT, description="Parts that are not as they should be."),
        "parts": {"type": "object", "additionalProperties": TEXT, "description": "Part → ok, or what is wrong."},
    }
)

_UNCHANGED: Final = answer("It is what `If-None-Match` names.")


def paths() -> Paths:
    """Return the operations of operators, and the pages."""
    return _health() | _process() | _pages()


def _health() -> Paths:
    alive = answer("The process answers.", {JSON: obj({"status": {"const": "ok"}})})
    return {
        "/health/live": {"get": _open(OPERATIONS, "Whether the process lives", {200: alive}, errors=(405,))},
        "/health/ready": {
            "get": _open(
                OPERATIONS,
                "Whether events are accepted",
                {
                    200: answer("They are; degraded parts are named.", {JSON: _READY}),
                    503: answer("They are not.", {JSON: _READY}),
                },
                errors=(405,),
            )
        },
    }


_DASHBOARD: Final = (
    ("/", "The dashboard; signed out, the most viewed contents, live"),
    ("/now", "The dashboard: what is looked at"),
    ("/players", "The dashboard: players"),
    ("/channels", "The dashboard: channels, play orders and hours"),
    ("/not-counted", "The dashboard: why events were not counted"),
    ("/operations", "The dashboard: how VTS is"),
)


def _process() -> Paths:
    metrics = answer("Prometheus' text format.", {"text/plain": TEXT})
    status = {"type": "object", "additionalProperties": {"type": ["string", "integer"]}}
    return {
        "/metrics": {"get": _open(OPERATIONS, "Metrics", {200: metrics}, errors=(405,))},
        "/api/status": {
            "get": operation(
                OPERATIONS,
                "What the first page says is running",
                {200: answer("Name → value.", {JSON: status})},
                errors=(405,),
            )
        },
        "/openapi.json": {
            "get": operation(
                OPERATIONS,
                "This description",
                {200: answer("OpenAPI 3.1.", {JSON: {"type": "object"}}), 304: _UNCHANGED},
                errors=(405,),
                about="It changes with the version only.",
            )
        },
    }


def _pages() -> Paths:
    page = answer("A page.", {HTML: TEXT})
    name = {"name": "filename", "in": "path", "required": True, "schema": TEXT, "description": "Name of the file."}
    kinds = ("text/javascript", "text/css", "image/svg+xml", "text/plain")
    file = answer("The file.", dict.fromkeys(kinds, TEXT))
    return {
        "/": {
            "get": _open(PAGES, "The dashboard; signed out, the most viewed contents, live", {200: page}, errors=(405,))
        },
        **{
            path: {"get": _open(PAGES, f"The dashboard: {what}", {200: page}, errors=(405,))}
            for path, what in _DASHBOARD
        },
        "/content/{post_id}": {
            "get": _open(
                PAGES,
                "The dashboard: one content",
                {200: page},
                errors=(405,),
                parameters=[path_id("post_id", "The content.", TEXT)],
            )
        },
        "/artist/{user_id}": {
            "get": _open(
                PAGES,
                "The dashboard: an artist",
                {200: page},
                errors=(405,),
                parameters=[path_id("user_id", "The artist.", TEXT)],
            )
        },
        "/docs": {"get": _open(PAGES, "Documentation", {200: page}, errors=(405,))},
        "/vts.js": {"get": _script("The tracker that pages load")},
        "/vts-offline.js": {"get": _script("What the tracker loads with `data-offline`")},
        "/widget.js": {"get": _script("The badge that shows the public count")},
        "/static/{filename}": {
            "get": _open(
                PAGES, "A file of the pages", {200: file, 304: _UNCHANGED}, errors=(404, 405), parameters=[name]
            )
        },
    }


def _script(summary: str) -> Json:
    """Describe a script for pages of any origin."""
    kept = {name: {"schema": TEXT} for name in ("ETag", "Cache-Control", "Cross-Origin-Resource-Policy")}
    found = answer("The script.", {"text/javascript": TEXT}, headers=kept)
    about = "Any page may load it; browsers keep it for an hour. See docs/integrate.md."
    return _open(PAGES, summary, {200: found, 304: _UNCHANGED}, errors=(405,), about=about)
