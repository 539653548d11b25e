"""The walls of the house hold for every room and every file: one that no contract names is found."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINT = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
FLAT = {"config"}  # a package without rooms: its own contract covers all of its files


def floors() -> set[str]:
    """Every room that a contract of layers names, in full."""
    rooms = set()
    for contract in (contract for contract in CONTRACTS if contract["type"] == "layers"):
        assert contract["exhaustive"], contract["name"]
        for room in " | ".join(contract["layers"]).split("|"):
            rooms |= {f"{container}.{room.strip(' ()')}" for container in contract["containers"]}
    return rooms


def test_every_file_is_in_a_room_that_a_contract_names():
    rooms = floors() | FLAT
    for package in ("vts", "supervisors", "config"):
        for file in (ROOT / package).rglob("*.py"):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            parents = {module.rsplit(".", count)[0] for count in range(module.count(".") + 1)}
            assert parents & rooms or module in {"vts", "supervisors"}, f"{module} is in no contract"


def test_rooms_with_rooms_inside_have_an_order_of_their_own():
    containers = {container for contract in CONTRACTS for container in contract.get("containers", ())}
    for package in ("vts/capture", "vts/store", "vts/capture/mqtt", "supervisors"):
        assert package.replace("/", ".") in containers


@pytest.mark.parametrize("stray", ["vts/extra/__init__.py", "vts/store/extra.py", "supervisors/extra.py"])
def test_a_stray_room_breaks_the_build(tmp_path, stray):
    for package in ("vts", "supervisors", "config"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*.mmdb", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / stray).parent.mkdir(exist_ok=True)
    (tmp_path / stray).write_text('"""A file that no contract names."""\n')
    done = subprocess.run(LINT, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "extra" in done.stdout, done.stdout + done.stderr
