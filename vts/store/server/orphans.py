"""Databases in /var/lib/vts whose data folder has gone, or leads elsewhere: found, and removed for one data folder.

Each home there has a file that says which data folder it was made for; the data folder has one that leads to the home
(`layout.POINTER`). A home is an orphan when no folder leads to it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from vts.model.faults import BadStart
from vts.store.server.layout import BELONGS_TO, home_of
from vts.store.server.programs import SHARED
from vts.store.server.stale import processes_of


def orphans(shared: Path = SHARED) -> list[tuple[Path, Path]]:
    """Return (home, data folder that it was made for) of each database that no data folder leads to."""
    found = ((home, _made_for(home)) for home in _homes(shared))
    return [(home, data_dir) for home, data_dir in found if data_dir is not None and home_of(data_dir) != home]


def remove(data_dir: Path, shared: Path = SHARED) -> list[Path]:
    """Remove a data folder and every home that was made for it; return what was removed. Raises BadStart, OSError."""
    data_dir = data_dir.resolve()
    mine = [home for home in _homes(shared) if _made_for(home) == data_dir]
    gone = [path for path in (*mine, data_dir) if path.exists()]
    for home in (*mine, data_dir / "postgres"):
        if processes_of(home / "data"):
            raise BadStart(f"PostgreSQL runs in {home}: stop VTS first")
    for path in gone:
        shutil.rmtree(path)
    return gone


def _homes(shared: Path) -> list[Path]:
    try:
        return sorted(path for path in shared.resolve().iterdir() if (path / BELONGS_TO).is_file())
    except OSError:
        return []


def _made_for(home: Path) -> Path | None:
    try:
        return Path((home / BELONGS_TO).read_text("utf-8").strip())
    except OSError:
        return None
