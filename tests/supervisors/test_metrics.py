"""What `/metrics` says before anything has happened, and what it counts."""

from __future__ import annotations

from supervisors.engine.events import Started
from supervisors.tree.metrics import Metrics
from vts.model.outcome import Reason


def test_counters_that_alerts_need_are_there_from_the_start_at_0() -> None:
    metrics = Metrics()
    metrics.on_event(Started("drain"))
    text = metrics.render().decode()
    for source in ("web", "api", "widget", "player", "site", "playback"):
        for outcome in ("accepted", *Reason):
            assert f'vts_events_total{{outcome="{outcome}",source="{source}"}} 0.0' in text
    for line in (
        'vts_restarts_total{actor="drain",why="bug"} 0.0',
        'vts_restarts_total{actor="drain",why="outage"} 0.0',
        'vts_notes_total{kind="other_viewer_keys"} 0.0',
        'vts_bots_total{class="ai"} 0.0',
        "vts_dead_letters_total 0.0",
    ):
        assert line in text


def test_dropped_machines_are_counted_by_class() -> None:
    metrics = Metrics()
    metrics.bot("ai")
    assert 'vts_bots_total{class="ai"} 1.0' in metrics.render().decode()


def test_when_a_series_was_created_is_no_series() -> None:
    metrics = Metrics()
    metrics.committed(1, 0.1)
    metrics.note("something")
    assert "_created" not in metrics.render().decode()
