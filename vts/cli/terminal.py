"""What `vts serve` prints for a person at a terminal: what runs, where, and how to stop it.

Each function prints nothing when standard output is no terminal: programs read the log and the ready file.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import click

from supervisors.tree.clock import now_us
from supervisors.tree.root import Tree
from vts.model.principal import Principal

LOGIN_TTL_S: Final = 600
OWNER: Final = Principal(None, frozenset({"owner"}))


def starting(folder: Path) -> None:
    """Say that it starts: the first time that takes seconds, while the database is made."""
    _say(f"VTS is starting. Data in {folder.resolve()}")


def ready(tree: Tree, urls: Mapping[str, str]) -> None:
    """Say where to go from here; the link signs its first user in as the owner, within `LOGIN_TTL_S` seconds."""
    if not sys.stdout.isatty():
        return
    ticket = tree.components.tickets.issue(OWNER, now_us() / 1e6, LOGIN_TTL_S)
    base = tree.components.settings.http.public_url.rstrip("/") or urls["http"]
    _say(f"Open the dashboard: {base}/login?ticket={ticket}")
    if "mqtt" in urls:
        _say(f"Players connect to {urls['mqtt']}")
    _say("Check it with `vts doctor`. Stop with Ctrl-C.")


def stopping() -> None:
    """Say that VTS is stopping: the end may take some seconds."""
    _say("VTS is stopping. What it acknowledged is on disk.")


def stopped() -> None:
    """Say that all parts have ended."""
    _say("VTS has stopped.")


def _say(line: str) -> None:
    if sys.stdout.isatty():
        with suppress(OSError):  # the terminal was closed meanwhile, which must not hinder a shutdown
            click.echo(line)
