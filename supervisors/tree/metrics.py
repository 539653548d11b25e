"""What operators measure: counters that rooms increment through callables, gauges that are read at every scrape."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from supervisors.engine.events import Event, Failed, LoopHeld, Started
from vts.admit.site_rules import PLAYBACK, SITE
from vts.model.committed import Committed
from vts.model.outcome import OUTCOMES
from vts.model.view import BOT_CLASSES, VIEW_SOURCES, BotClass

disable_created_metrics()  # type: ignore[no-untyped-call]

Gauge = Callable[[], float]

COMMIT_BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
SOURCES: Final = (*VIEW_SOURCES, SITE, PLAYBACK)
NOTED: Final = (
    *("contained_bug", "other_viewer_keys", "stored_before", "unreadable_notice"),
    *("ignored_forwarded_for", "ignored_local_time"),
)
"""The kinds that may be noted from the first moment on; unknown values of a field get a kind when one is seen."""
WHY_AGAIN: Final = ("bug", "outage")
BATCH_BUCKETS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


class Metrics:
    """All metrics of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._live = _Live()
        self.registry.register(self._live)
        self._notes = Counter("vts_notes", "What was seen and not kept, by kind", ["kind"], registry=self.registry)
        for kind in NOTED:
            self._notes.labels(kind)
        self._restarts = Counter(
            "vts_restarts", "Actors that ended and were started again", ["actor", "why"], registry=self.registry
        )
        self._commits = Histogram(
            "vts_journal_commit_seconds", "Hand-over to durable", buckets=COMMIT_BUCKETS_S, registry=self.registry
        )
        self._commit_records = Histogram(
            "vts_journal_commit_records", "Records of one group commit", buckets=BATCH_BUCKETS, registry=self.registry
        )
        self._drains = Histogram(
            "vts_drain_commit_seconds", "One drain transaction", buckets=COMMIT_BUCKETS_S, registry=self.registry
        )
        self._drain_records = Histogram(
            "vts_drain_batch_records", "Records of one drain transaction", buckets=BATCH_BUCKETS, registry=self.registry
        )
        self._dead = Counter("vts_dead_letters", "Records that could not be stored", registry=self.registry)
        self._held = Histogram(
            "vts_loop_held_seconds", "Task steps that held the loop too long", registry=self.registry
        )

    def count(self, source: str, outcome: str, how_many: int) -> None:
        """Count events by source and outcome."""
        pair = (source, outcome)
        self._live.events[pair] = self._live.events.get(pair, 0) + how_many

    @property
    def events(self) -> Mapping[tuple[str, str], int]:
        """The events of this process since its start, by source and outcome."""
        return self._live.events

    def note(self, kind: str, how_many: int = 1) -> None:
        """Count something that was seen and not kept: an unknown value, a forged address, a retained message."""
        self._notes.labels(kind).inc(how_many)

    def bot(self, of_class: BotClass) -> None:
        """Count a report that a machine sent, by what it looks for."""
        self._live.bots[of_class] += 1

    def committed(self, records: int, seconds: float) -> None:
        """Note one group commit of the journal."""
        self._commit_records.observe(records)
        self._commits.observe(seconds)

    def ignored(self, field: str) -> None:
        """Count a field with an unknown value, which was not kept."""
        self.note(f"ignored_{field}")

    def drained(self, committed: Committed) -> None:
        """Note one transaction of the drain, with its dead letters and the records that were stored before."""
        self._drain_records.observe(committed.records)
        self._drains.observe(committed.took_s)
        self._dead.inc(committed.dead)
        if committed.duplicates:
            self.note("stored_before", committed.duplicates)

    def on_event(self, event: Event) -> None:
        """Note what supervision did."""
        match event:
            case Failed(name, _, counted):
                self._restarts.labels(name, "bug" if counted else "outage").inc()
            case Started(name):
                for why in WHY_AGAIN:
                    self._restarts.labels(name, why)  # at 0: an alert on a series that is not there never fires
            case LoopHeld(_, held_ms, _):
                self._held.observe(held_ms / 1000)
            case _:
                pass

    def gauge(self, name: str, what: str, read: Gauge) -> None:
        """Add a gauge that is read at every scrape."""
        self._live.add(name, what, read)

    def render(self) -> bytes:
        """Return the text exposition."""
        return generate_latest(self.registry)


class _Live(Collector):
    """The metrics that are read at a scrape. Events are counted in a plain table: the library would lock for each."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[str, Gauge]] = {"vts_started_seconds": ("Start time", partial(float, time.time()))}
        self.events = {(source, outcome): 0 for source in SOURCES for outcome in OUTCOMES}
        self.bots: dict[BotClass, int] = dict.fromkeys(BOT_CLASSES, 0)

    def add(self, name: str, what: str, read: Gauge) -> None:
        self._read[name] = (what, read)

    def collect(self) -> list[Metric]:
        events = CounterMetricFamily("vts_events", "Events by source and outcome", labels=("source", "outcome"))
        for pair, how_many in self.events.items():
            events.add_metric(pair, how_many)
        bots = CounterMetricFamily("vts_bots", "Events that machines sent, by what they look for", labels=("class",))
        for of_class, how_many in self.bots.items():
            bots.add_metric((of_class,), how_many)
        gauges = [GaugeMetricFamily(name, what, value=read()) for name, (what, read) in self._read.items()]
        return [events, bots, *gauges]
