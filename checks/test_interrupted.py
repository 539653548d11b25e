"""Ctrl-C ends a benchmark in the middle of its work, without a traceback and without leaving a process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.waiting import wait_until


def names_of(folder: str) -> list[str]:
    """Return the private data folders that a benchmark has made there."""
    return [path.name for path in Path(folder).glob("vts-bench-*")]


@pytest.mark.parametrize("words", [("stats", "--raw", "300000000"), ("rollup", "--views", "500000000")])
def test_an_interrupted_benchmark_shows_no_traceback(words: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is started with it ignored
        process = subprocess.Popen(
            [sys.executable, "-m", "vts", "bench", *words],
            env=os.environ | {"TMPDIR": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until(lambda: filling(folder), within_s=180)
            os.killpg(process.pid, signal.SIGINT)  # what a terminal does: to all in the foreground
            said = process.communicate(timeout=60)[0].decode()
        finally:
            process.kill()
            process.wait()
        assert "Traceback" not in said, said
        assert process.returncode == 130
        assert not names_of(folder)


def filling(folder: str) -> bool:
    """Whether the private VTS is ready and PostgreSQL is busy with a statement of the benchmark."""
    shown = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    is_busy = any("postgres:" in line and ("COPY" in line or "INSERT" in line) for line in shown.splitlines())
    return is_busy and any(Path(folder).glob("vts-bench-*/ready.json"))
