"""One short run of the benchmark, as its users start it: its ledger balances, its figures are there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_a_short_run_and_its_ledger() -> None:
    command = [sys.executable, "-m", "vts", "bench", "http", "--generator", "own", "--json"]
    load = ["--runs", "1", "--seconds", "0.5", "--connections", "8", "--posts", "20", "--reference-seconds", "0.2"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([*command, *load], capture_output=True, text=True, env=environment, timeout=90)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["load"] == "http"
    assert said["books"]["balanced"] is True
    assert said["books"]["acknowledged"] == said["books"]["stored"] == said["books"]["counted"] > 0
    assert set(said["ratios"]) == {"httptools", "hypercorn"}
    median = said["median"]["figures"]
    assert {"events_per_s", "p50_ms", "p99_ms", "cpu_us_per_event", "resident_mb", "drain_lag_s"} <= set(median)
