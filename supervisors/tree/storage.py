"""The group that starts first: PostgreSQL, its schema and days, the journal, the drain, the catalog, the notices."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from typing import Final

from supervisors.engine.child import Child
from supervisors.engine.supervisor import Supervisor
from supervisors.tree.clock import now_us
from supervisors.tree.components import Components
from supervisors.tree.live import hub_of
from supervisors.tree.sessions import Sessions
from vts.catalog.actor import CatalogActor
from vts.catalog.file import CatalogFile
from vts.live.notices import Notices
from vts.model.committed import Committed
from vts.rollup.analytics_actor import COMMAND_TIMEOUT_S as ANALYTICS_TIMEOUT_S
from vts.rollup.analytics_actor import AnalyticsActor
from vts.rollup.roller import DAY_TIMEOUT_S, Roller
from vts.rollup.turn import ANSWER_S as TURN_ANSWER_S
from vts.service.catalog_changes import CatalogChanges
from vts.service.ended_sessions import EndedSessionsActor
from vts.service.known_counts import KnownCounts
from vts.service.owners import owner_in
from vts.store.drain.actor import Drain
from vts.store.drain.waterline import Waterline
from vts.store.facts.artists import Artists
from vts.store.facts.catalog import settle_provisional
from vts.store.facts.content_sync import forget_syncs
from vts.store.facts.outcomes import FINAL_WRITE_S as OUTCOMES_GRACE_S
from vts.store.facts.outcomes import Outcomes
from vts.store.facts.presence import PresenceActor, forget_presence
from vts.store.facts.sessions import forget_expired
from vts.store.facts.share_links import forget_ended
from vts.store.schema.partitions import Partitions
from vts.store.session.connection import IDLE_WITH_LOCKS_S

DRAIN_GRACE_S: Final = 2.0  # what is not drained by then stays in the journal, on disk
POSTGRES_GRACE_S: Final = 3.0  # a checkpoint; cancelled it ends at once and recovers at the next start


class Storage:
    """Everything that reads or writes the database by itself, and the hub, which receives every commit."""

    def __init__(self, components: Components) -> None:
        self._components = components
        journal = components.journal
        self.sessions = sessions = Sessions(components.database, components.embedded)
        self.waterline = self._waterline()
        components.readers.greet = self.waterline.check
        self.hub = hub_of(components, self.waterline)
        self.known_counts = KnownCounts(journal, lambda: components.memory.revision, self.waterline.lag_s)
        self.catalog = self._catalog()
        self.drain = Drain(
            connect=sessions.connector("writer", idle_s=IDLE_WITH_LOCKS_S, check=self.waterline.check),
            journal=journal,
            on_committed=self._committed,
            clock=now_us,
            slot_id=components.slot_id,
            on_offsets=self._resumed,
            on_went_back=components.journal_reports.went_back,
            owner_of=owner_in(components.memory),
        )
        self.ended_sessions = EndedSessionsActor(sessions.connector("writer"), components.ended_sessions, now_us)
        self.artists = Artists(sessions.connector("writer", idle_s=IDLE_WITH_LOCKS_S))
        self.notices = Notices(
            sessions.reader,
            self.hub,
            self.waterline,
            components.viewer_key_name,
            lambda: journal.journal_id,
            components.metrics.note,
            self.known_counts,
        )
        self.roller = self._roller()

    def supervisor(self) -> Supervisor:
        """Return the group, in the order of dependency."""
        components, sessions = self._components, self.sessions
        raw_days = components.settings.retention.raw_days
        hourly = [settle_provisional, forget_syncs, forget_presence, forget_expired, forget_ended]
        partitions = Partitions(sessions.connector("writer"), raw_days, now_us, also=hourly)
        silence = dt.timedelta(seconds=components.settings.players.offline_after_s)
        presence = PresenceActor(components.presence, sessions.connector("writer"), silence)
        analytics = AnalyticsActor(sessions.connector("writer", ANALYTICS_TIMEOUT_S), raw_days, now_us)
        outcomes = Outcomes(sessions.connector("writer"), lambda: components.metrics.events, now_us)
        children = [
            Child(name="schema", run=sessions.migrate),
            Child(name="partitions", run=partitions.run, stop=partitions.stop),
            Child(name="journal", run=components.journal.run, stop=components.journal_box.seal, grace_s=1.0),
            Child(name="drain", run=self.drain.run, stop=self.drain.stop, grace_s=DRAIN_GRACE_S),
            Child(name="catalog", run=self.catalog.run),
            Child(name="artists", run=self.artists.run),
            Child(name="sessions", run=self.ended_sessions.run),
            Child(name="waterline", run=self.waterline.run),
            Child(name="notices", run=self.notices.run),
            Child(name="presence", run=presence.run, stop=presence.stop),
            Child(name="analytics", run=analytics.run, stop=analytics.stop),
            Child(name="roller", run=self.roller.run, stop=self.roller.stop),
            Child(name="outcomes", run=outcomes.run, stop=outcomes.stop, grace_s=OUTCOMES_GRACE_S),
        ]
        if components.embedded is not None:
            run, stop = components.embedded.run, components.embedded.stop
            children.insert(0, Child(name="postgresql", run=run, stop=stop, grace_s=POSTGRES_GRACE_S))
        return Supervisor("storage", children, on_event=components.on_event)

    async def catalog_written(self) -> None:
        """Make a committed change of the catalog known in this process."""
        await self.catalog.refresh()
        self.artists.poke()

    def _waterline(self) -> Waterline:
        components = self._components
        return Waterline(
            self.sessions.connector("reader"),
            self.sessions.connector("writer"),
            components.journal.newest_run,
            lambda: components.memory.revision,
            self._gone_back,
            self._recovered,
            components.settings.database.query_timeout_s,
        )

    def _roller(self) -> Roller:
        return Roller(
            connect=self.sessions.connector("writer", DAY_TIMEOUT_S),
            connect_owner=self.sessions.connector("owner"),
            connect_turn=self.sessions.connector("writer", TURN_ANSWER_S),
            raw_days=self._components.settings.retention.raw_days,
            clock=now_us,
            chance=random.random,
        )

    def _catalog(self) -> CatalogActor:
        changes = CatalogChanges(self.sessions.reader, self.waterline.check)
        file = CatalogFile(self._components.folder / "catalog.sqlite")
        memory, is_behind = self._components.memory, lambda: self.waterline.is_behind
        return CatalogActor(memory, file, changes.since, changes.listening, now_us, is_behind)

    def _committed(self, committed: Committed) -> None:
        self._components.metrics.drained(committed)
        self.waterline.drained({committed.run_id: committed.last_seq})
        self.hub.on_committed(committed)
        self.known_counts.touch(total.post_id for total in committed.totals)

    def _resumed(self, offsets: Mapping[bytes, int]) -> None:
        """Take what a new session of the drain found in the database."""
        self.waterline.drained(offsets)
        self.known_counts.clear()

    def _gone_back(self) -> None:
        """End every session with a database that has gone back: the next one is compared with what was known."""
        self._components.readers.close()
        self.drain.reconnect()

    async def _recovered(self) -> None:
        await self.catalog.refresh()
        self.hub.resync()
