"""The names and helps of `/metrics`, as Prometheus's own linter judges them."""

from __future__ import annotations

import subprocess

from supervisors.engine.events import Started
from supervisors.tree.metrics import Metrics
from vts.model.committed import Committed


def test_promtool_finds_no_fault() -> None:
    metrics = Metrics()
    metrics.on_event(Started("drain"))
    metrics.committed(1, 0.1)
    metrics.drained(
        Committed(journal_id=b"", last_seq=1, records=3, events=[], totals=[], duplicates=1, dead=1, took_s=0.1)
    )
    metrics.gauge("vts_journal_depth", "Events that PostgreSQL does not have yet", lambda: 1.0)
    judged = subprocess.run(["promtool", "check", "metrics"], input=metrics.render(), capture_output=True, timeout=60)
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, b"", b"")
