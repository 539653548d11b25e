"""A real process for each story, over a folder that the story owns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import Vts, running


@pytest.fixture
def vts(folder: Path) -> Iterator[Vts]:
    """A running VTS with its own embedded PostgreSQL and no broker."""
    with running(folder) as process:
        yield process
