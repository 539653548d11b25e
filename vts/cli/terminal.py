"""What `vts serve` prints for a person at a terminal: what runs, where, and how to stop it.

Each function prints nothing when standard output is no terminal: programs read the log and the ready file.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from supervisors.tree.root import Tree

_EVERY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 -- where the terminal's machine gets in


def starting(folder: Path) -> None:
    """Say that it starts: the first time that takes seconds, while the database is made."""
    _say(f"VTS is starting. Data in {folder.resolve()}")


def ready(tree: Tree, urls: Mapping[str, str]) -> None:
    """Say where to go from here; the link signs in, once, an owner of the site."""
    if not sys.stdout.isatty():
        return
    link, _ = tree.doors.sign_in.make_link(None, frozenset({"owner"}))
    base = tree.components.settings.http.public_url.rstrip("/") or _from_here(urls["http"])
    _say(f"Open the dashboard (once, within 15 min): {base}/login?link={link}")
    if "mqtt" in urls:
        _say(f"Players connect to {urls['mqtt']}")
    _say("Check it with `vts doctor`. Stop with Ctrl-C.")


def _from_here(url: str) -> str:
    """Return the address under which a browser on this machine reaches a process that listens on every address."""
    for every, loopback in _EVERY_ADDRESS.items():
        if urlsplit(url).netloc.startswith(f"{every}:"):
            return url.replace(every, loopback, 1)
    return url


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
