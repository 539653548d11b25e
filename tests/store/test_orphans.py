"""Databases that lie outside of their data folder, when that folder goes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from vts.store.server.layout import find_layout
from vts.store.server.orphans import orphans, remove


def home_for(shared: Path, name: str, data_dir: Path) -> Path:
    home = shared / name
    home.mkdir(parents=True)
    (home / "data-folder").write_text(f"{data_dir}\n")
    data_dir.mkdir(parents=True)
    (data_dir / "postgres.at").write_text(f"{home}\n")
    return home


def test_a_database_whose_folder_has_gone_is_named_and_removed(folder: Path) -> None:
    shared, ours, theirs = folder / "lib", folder / "ours" / "var", folder / "theirs" / "var"
    home, other = home_for(shared, "a1", ours), home_for(shared, "b2", theirs)
    (shared / "programs-1").mkdir()
    assert orphans(shared) == []
    shutil.rmtree(ours)
    assert orphans(shared) == [(home, ours)]
    assert remove(ours, shared) == [home]
    assert not home.exists() and other.exists() and theirs.exists()
    assert remove(theirs, shared) == [other, theirs]
    assert remove(theirs, shared) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's database lies elsewhere")
def test_a_database_that_is_made_elsewhere_is_found_from_its_folder(folder: Path) -> None:
    (folder / "home").mkdir(mode=0o700)
    data_dir, shared = folder / "home" / "var", folder / "lib"
    home = find_layout(data_dir, say=lambda line: None, shared=shared).home
    assert home.parent == shared
    shutil.rmtree(data_dir)
    assert orphans(shared) == [(home, data_dir)]
    assert remove(data_dir, shared) == [home]
