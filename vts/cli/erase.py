"""`vts erase`: a person's data, taken out of a running VTS."""

from __future__ import annotations

import click
import httpx

from vts.cli.client import headers_of, refuse, speaking_to

TIMEOUT_S = 900.0


def run(url: str, token: str, user_id: int) -> None:
    """Erase, and say what was changed. Raises ClickException."""
    with speaking_to(url):
        address = f"{url}/api/admin/users/{user_id}/data"
        answer = httpx.delete(address, headers=headers_of(token), timeout=TIMEOUT_S)
    refuse(answer)
    for table, rows in answer.json()["erased"].items():
        click.echo(f"{table}: {rows} changed")
