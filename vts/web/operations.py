"""Routes for operators: health and metrics."""

from __future__ import annotations

from typing import Final

from quart import Blueprint, Response

from vts.service.health import Health
from vts.web.answers import json_answer

HEALTHY: Final = ("ok", "standby")  # on standby means that another process of the same database does it


def blueprint(health: Health) -> Blueprint:
    """Return `/health/live`, `/health/ready` and `/metrics`."""
    routes = Blueprint("operations", __name__)

    @routes.get("/health/live")
    async def live() -> Response:
        return json_answer({"status": "ok"})

    @routes.get("/health/ready")
    async def ready() -> Response:
        accepting = health.accepting()
        parts = health.readiness()
        degraded = sorted(name for name, state in parts.items() if state not in HEALTHY)
        status = ("degraded" if degraded else "ok") if accepting else "unavailable"
        body = {"status": status, "accepting_events": accepting, "degraded": degraded, "parts": parts}
        return json_answer(body, 200 if accepting else 503)

    @routes.get("/metrics")
    async def metrics() -> Response:
        return Response(health.metrics(), content_type="text/plain; version=0.0.4; charset=utf-8")

    return routes
