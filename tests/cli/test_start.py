"""How the program is started: from any folder, with any files in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_modules_of_the_current_folder_are_not_taken_for_ours(tmp_path: Path) -> None:
    for name in ("config.py", "supervisors.py"):
        (tmp_path / name).write_text("raise SystemExit('this is not the module of VTS')\n")
    done = subprocess.run(
        [sys.executable, "-m", "vts", "token", "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=110
    )
    assert (done.returncode, done.stderr) == (0, "")
