"""Folders for processes that change their user."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 * 2**30  # for the servers of four workers: each has 128 MB of WAL and some databases of 9 MB


def in_memory() -> str:
    """Return a folder in memory where there is one with room, else /tmp: a database is 300 files, made and removed."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
        return str(MEMORY)
    return "/tmp"


@contextmanager
def open_folder(within: str = "") -> Iterator[Path]:
    """A short folder that other users may enter, unlike pytest's own: the embedded PostgreSQL is another user's."""
    path = Path(tempfile.mkdtemp(prefix="vts-", dir=within or in_memory()))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)  # a server that was just killed may still be removing its own files


@pytest.fixture
def folder() -> Iterator[Path]:
    """Such a folder for one test."""
    with open_folder() as path:
        yield path


@pytest.fixture
def disk_folder() -> Iterator[Path]:
    """The same on disk: for programs, which may not be run from memory everywhere, and for hard links to them."""
    with open_folder("/tmp") as path:
        yield path
