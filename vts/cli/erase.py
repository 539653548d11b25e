"""`vts erase`: a person's data, taken out of a running VTS."""

from __future__ import annotations

import click
import httpx

TIMEOUT_S = 900.0


def run(url: str, token: str, user_id: int) -> None:
    """Erase, and say what was changed. Raises ClickException."""
    try:
        answer = httpx.delete(
            f"{url}/api/admin/users/{user_id}/data", headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_S
        )
    except httpx.ConnectError:
        raise click.ClickException(f"no VTS answers at {url}; start one with `vts serve`") from None
    except httpx.TransportError as fault:
        raise click.ClickException(f"the answer did not come: {fault}; run it again") from None
    if answer.is_error:
        raise click.ClickException(f"{answer.status_code}: {answer.json().get('error', '')}")
    for table, rows in answer.json()["erased"].items():
        click.echo(f"{table}: {rows} changed")
