"""`vts login-link`: a one-time link into the dashboard, made by the running process."""

from __future__ import annotations

from typing import Any

import click
import httpx

from vts.cli.client import headers_of, refuse, speaking_to

ANSWER_S = 30.0


def run(url: str, token: str, user: str | None, roles: tuple[str, ...]) -> None:
    """Print a link. Raises ClickException when it is refused."""
    body: dict[str, Any] = ({} if user is None else {"user": user}) | ({"roles": list(roles)} if roles else {})
    with speaking_to(url):
        answer = httpx.post(f"{url}/api/login-links", json=body, headers=headers_of(token), timeout=ANSWER_S)
    refuse(answer)
    click.echo(answer.json()["url"])
    click.echo("It signs in one browser, once, within 15 min. Do not share it.", err=True)
