"""`vts erase`: a person's data, taken out of a running VTS."""

from __future__ import annotations

from urllib.parse import quote

import click
import httpx

from vts.cli.client import headers_of, refuse, speaking_to
from vts.model.reference import BadReference, as_number, plain_text

TIMEOUT_S = 900.0


def check(user_id: str) -> None:
    """Raise click.UsageError for an id that no user has."""
    try:
        if as_number(user_id) is None:
            plain_text(user_id)
    except BadReference as fault:
        raise click.UsageError(f"--user: {fault}") from None


def run(url: str, token: str, user_id: str) -> None:
    """Erase, and say what was changed. Raises ClickException."""
    with speaking_to(url):
        address = f"{url}/api/admin/users/{quote(user_id, safe='')}/data"
        answer = httpx.delete(address, headers=headers_of(token), timeout=TIMEOUT_S)
    refuse(answer)
    for table, rows in answer.json()["erased"].items():
        click.echo(f"{table}: {rows} changed")
