"""`vts export`: a table of a running VTS, streamed into a file or to standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote

import click
import httpx
from rich.console import Console
from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TransferSpeedColumn

from vts.cli.client import headers_of, refuse, speaking_to

CONNECT_TIMEOUT_S: Final = 30
SILENCE_MAX_S: Final = 660  # an XLSX file is made whole before its first byte, within the server's own deadline
USUAL: Final = "csv"


def format_of(asked: str | None, target: Path | None, formats: tuple[str, ...]) -> str:
    """Return the format: as asked, else by the file's suffix, else CSV."""
    suffix = target.suffix.removeprefix(".").lower() if target is not None else ""
    return asked or (suffix if suffix in formats else USUAL)


def run(url: str, token: str, table: str, params: dict[str, str], target: Path | None) -> None:
    """Write a table. Raises ClickException that says what the server refused; a broken transfer leaves no file."""
    timeout = httpx.Timeout(SILENCE_MAX_S, connect=CONNECT_TIMEOUT_S)
    client = httpx.Client(base_url=url, headers=headers_of(token), timeout=timeout)
    path = f"/api/export/{quote(table, safe='')}"
    with speaking_to(url), client, client.stream("GET", path, params=params) as answer:
        if not answer.is_success:
            answer.read()
            refuse(answer)
        with _opened(target) as file, _progress(table) as progress:
            task = progress.add_task(table, total=None)
            for piece in answer.iter_bytes():
                file.write(piece)
                progress.advance(task, len(piece))


@contextmanager
def _opened(target: Path | None) -> Iterator[BinaryIO]:
    """Give what to write into. A file appears under its name when it is whole."""
    if target is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(target)
    except OSError as fault:
        raise click.ClickException(f"--output {target}: cannot be written: {fault.strerror}") from None
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _progress(table: str) -> Progress:
    columns = (SpinnerColumn(), TextColumn(table), DownloadColumn(), TransferSpeedColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=not console.is_terminal)
