"""Real processes for the stories: one over a folder of the story's own, and one that stories share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.folders import open_folder
from tests.support.process import Vts, running


@pytest.fixture
def vts(folder: Path) -> Iterator[Vts]:
    """A running VTS with its own embedded PostgreSQL and no broker."""
    with running(folder) as process:
        yield process


@pytest.fixture(scope="session")
def shared_vts() -> Iterator[Vts]:
    """The same, for stories that need no site of their own: each has contents and users with ids of its own."""
    with open_folder() as folder, running(folder) as process:
        yield process
