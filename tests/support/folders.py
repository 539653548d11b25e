"""Folders for processes that change their user."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def open_folder() -> Iterator[Path]:
    """A short folder that other users may enter, unlike pytest's own: the embedded PostgreSQL is another user's."""
    path = Path(tempfile.mkdtemp(prefix="vts-", dir="/tmp"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)  # a server that was just killed may still be removing its own files


@pytest.fixture
def folder() -> Iterator[Path]:
    """Such a folder for one test."""
    with open_folder() as path:
        yield path
