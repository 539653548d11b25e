"""The gauges: what is read from the running components at every scrape."""

from __future__ import annotations

from supervisors.tree.components import Components
from supervisors.tree.doors import Doors
from supervisors.tree.storage import Storage


def add_gauges(components: Components, storage: Storage, doors: Doors) -> None:
    """Add every gauge to the metrics."""
    gauge, journal, memory = components.metrics.gauge, components.journal, components.memory
    drain, roller, hub = storage.drain, storage.roller, storage.hub
    waits = "Of an acknowledged event without any commit"
    gauge("vts_drain_waits_seconds", waits, lambda: drain.waits_s(journal.oldest_age_s))
    gauge("vts_rollup_age_seconds", "Since every closed day was known to be rolled up", roller.age_s)
    gauge("vts_rollup_days_waiting", "Closed days to roll up", lambda: roller.waiting)
    gauge("vts_journal_depth", "Events that PostgreSQL does not have yet", lambda: journal.depth)
    gauge("vts_journal_bytes", "Bytes in use in the journal", lambda: journal.bytes)
    gauge("vts_journal_quarantined", "Damaged rows and lost ranges of the journal", lambda: journal.quarantined)
    gauge("vts_drain_lag_seconds", "Age of the oldest of them", lambda: journal.oldest_age_s)
    gauge("vts_live_clients", "Live connections", lambda: hub.clients)
    gauge("vts_live_public_clients", "Of these without a token", lambda: hub.public_clients)
    gauge("vts_live_topics", "Followed topics", lambda: hub.topics)
    gauge("vts_http_connections", "Connections at the door", lambda: doors.door.connections)
    gauge("vts_contents", "Contents in the catalog", lambda: memory.sizes()["contents"])
    gauge("vts_players", "Players in the catalog", lambda: memory.sizes()["players"])
