"""What keeps: PostgreSQL, its schema and days, the journal, the drain, the catalog, the news of other processes."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
import trio

from supervisors.engine.child import Child
from supervisors.engine.supervisor import Supervisor
from supervisors.tree.components import Components, now_us
from supervisors.tree.personal_data import ERASE_TIMEOUT_S, Persons
from vts.catalog.actor import CatalogActor
from vts.catalog.file import CatalogFile
from vts.live.asking import Sources
from vts.live.hub import Hub
from vts.live.tracks import TopRow
from vts.model.committed import Committed
from vts.model.content import Change, ContentRow, PlayerRow
from vts.model.day import date_of
from vts.model.faults import JournalFull, StoreUnavailable
from vts.model.imports import DailyRow
from vts.model.reaction import Comment, Reaction
from vts.model.view import ViewEvent
from vts.query import live_counts
from vts.query.export.stored_tables import COMMAND_TIMEOUT_S as EXPORT_TIMEOUT_S
from vts.query.export.stored_tables import Connect
from vts.query.post import PostFacts
from vts.query.post_load import PostViews, post_facts, post_views, wait_for_own_views
from vts.rollup.analytics_actor import COMMAND_TIMEOUT_S as ANALYTICS_TIMEOUT_S
from vts.rollup.analytics_actor import AnalyticsActor
from vts.rollup.roller import DAY_TIMEOUT_S, Roller
from vts.rollup.turn import ANSWER_S as TURN_ANSWER_S
from vts.store.drain.actor import Drain
from vts.store.drain.waterline import Waterline
from vts.store.facts import audit
from vts.store.facts.artists import Artists
from vts.store.facts.catalog import (
    Write,
    changes_since,
    delete_content,
    delete_player,
    settle_provisional,
    upsert_contents,
    upsert_players,
)
from vts.store.facts.history_import import Applied, Ticket, import_daily, import_views
from vts.store.facts.reactions import change_comment, change_reaction
from vts.store.peers.viewer_key_check import OTHER_KEYS, announce
from vts.store.schema.migrate import Migrator
from vts.store.schema.partitions import Partitions
from vts.store.session import channels
from vts.store.session.connection import IDLE_IN_TRANSACTION_S, IDLE_WITH_LOCKS_S, Connection, Role
from vts.store.session.pool import Writer

T = TypeVar("T")

_log = logging.getLogger(__name__)

REFUSED: Final = "does not let us in: `vts doctor` says why"
DRAIN_GRACE_S: Final = 2.0  # what is not drained by then stays in the journal, on disk
POSTGRES_GRACE_S: Final = 3.0  # a checkpoint; cancelled it ends at once and recovers at the next start


class Storage:
    """The group that starts first. `catalog` must be refreshed after a write to the catalog."""

    hub: Hub

    def __init__(self, components: Components) -> None:
        self._components = components
        self._writer = Writer(
            partial(components.database.connect, "writer", name="vts api", idle_in_transaction_s=IDLE_WITH_LOCKS_S),
            components.settings.database.command_timeout_s,
        )
        self._migrator = Migrator(replace(components.database, schema=0))
        self.waterline = Waterline(
            self._connector("reader"),
            self._connector("writer"),
            components.journal.newest_run,
            lambda: components.memory.revision,
            self._gone_back,
            self._recovered,
            components.settings.database.query_timeout_s,
        )
        components.readers.greet = self.waterline.check
        file = CatalogFile(components.folder / "catalog.sqlite")
        self.catalog = CatalogActor(
            components.memory, file, self._changes, self._listening, now_us, lambda: self.waterline.is_behind
        )
        self.drain = Drain(
            connect=self._drain_session,
            journal=components.journal,
            on_committed=self._committed,
            clock=now_us,
            slot_id=components.slot_id,
            on_offsets=self.waterline.drained,
            on_went_back=self._journal_went_back,
            owner_of=self.owner_of,
        )
        self.artists = Artists(self._connector("writer", idle_s=IDLE_WITH_LOCKS_S))
        self.persons = Persons(
            components, self.export_session, self._connector("writer", ERASE_TIMEOUT_S), self.catalog.refresh
        )
        self.roller = Roller(
            connect=self._connector("writer", DAY_TIMEOUT_S),
            connect_owner=self._connector("owner"),
            connect_turn=self._connector("writer", TURN_ANSWER_S),
            raw_days=components.settings.retention.raw_days,
            clock=now_us,
            chance=random.random,
        )
        gauge = components.metrics.gauge
        waits_s = lambda: self.drain.waits_s(components.journal.oldest_age_s)  # noqa: E731
        gauge("vts_drain_waits_seconds", "Of an acknowledged event without any commit", waits_s)
        gauge("vts_rollup_age_seconds", "Since every closed day was known to be rolled up", self.roller.age_s)
        gauge("vts_rollup_days_waiting", "Closed days to roll up", lambda: self.roller.waiting)

    def supervisor(self) -> Supervisor:
        """Return the group, in the order of dependency."""
        components = self._components
        partitions = Partitions(
            self._connector("writer"), components.settings.retention.raw_days, now_us, also=[settle_provisional]
        )
        analytics = AnalyticsActor(
            self._connector("writer", ANALYTICS_TIMEOUT_S), components.settings.retention.raw_days, now_us
        )
        children = [
            Child(name="schema", run=self._migrate),
            Child(name="partitions", run=partitions.run, stop=partitions.stop),
            Child(name="journal", run=components.journal.run, stop=components.journal_box.seal, grace_s=1.0),
            Child(name="drain", run=self.drain.run, stop=self.drain.stop, grace_s=DRAIN_GRACE_S),
            Child(name="catalog", run=self.catalog.run),
            Child(name="artists", run=self.artists.run),
            Child(name="waterline", run=self.waterline.run),
            Child(name="notices", run=self._follow_notices),
            Child(name="analytics", run=analytics.run, stop=analytics.stop),
            Child(name="roller", run=self.roller.run, stop=self.roller.stop),
        ]
        if components.embedded is not None:
            run, stop = components.embedded.run, components.embedded.stop
            children.insert(0, Child(name="postgresql", run=run, stop=stop, grace_s=POSTGRES_GRACE_S))
        return Supervisor("storage", children, on_event=components.on_event)

    # ---- what the API writes; each is in force here before it is answered

    async def upsert_contents(self, rows: Sequence[ContentRow]) -> int:
        """Write contents. Raises StoreUnavailable; JournalFull when they are written and not kept in the journal."""
        return await self._keep_catalog(
            lambda connection, write: upsert_contents(connection, rows, write, now_us=now_us())
        )

    async def upsert_players(self, rows: Sequence[PlayerRow]) -> int:
        """Write players. Raises StoreUnavailable, JournalFull."""
        return await self._keep_catalog(
            lambda connection, write: upsert_players(connection, rows, write, now_us=now_us())
        )

    async def delete_content(self, post_id: int) -> bool:
        """Mark a content as deleted. Raises StoreUnavailable, JournalFull."""
        return await self._keep_catalog(lambda connection, write: delete_content(connection, post_id, write))

    async def delete_player(self, player_key: bytes) -> bool:
        """Remove a player. Raises StoreUnavailable, JournalFull."""
        return await self._keep_catalog(lambda connection, write: delete_player(connection, player_key, write))

    async def react(self, reaction: Reaction) -> None:
        """Add or remove a reaction. Raises StoreUnavailable, ReactionLimitExceeded."""
        await self._writer.write(lambda connection: change_reaction(connection, reaction))

    async def comment(self, comment: Comment) -> None:
        """Add or remove a comment. Raises StoreUnavailable."""
        await self._writer.write(lambda connection: change_comment(connection, comment))

    async def audit(self, actor: str, action: str, subject: str, detail: dict[str, Any]) -> None:
        """Note who did what. Raises StoreUnavailable."""
        await self._writer.write(
            lambda connection: audit.note(connection, actor=actor, action=action, subject=subject, detail=detail)
        )

    async def audit_page(self, before: int, limit: int) -> Sequence[dict[str, Any]]:
        """Return entries of the audit log, the newest first. Raises StoreUnavailable."""
        return await audit.page(self._components.readers, before, limit)

    async def import_daily(self, ticket: Ticket, rows: Sequence[DailyRow], register: Sequence[int]) -> Applied:
        """Merge counters of days long gone. Raises StoreUnavailable, ImportIdUsed, DaysOpen."""
        write = self._write_catalog if register else self._writer.write
        return await write(lambda connection: import_daily(connection, ticket, rows, register, self.owner_of))

    async def import_views(self, ticket: Ticket, events: Sequence[ViewEvent], register: Sequence[int]) -> Applied:
        """Count views of such days. Raises StoreUnavailable, ImportIdUsed, DaysOpen."""
        write = self._write_catalog if register else self._writer.write
        return await write(lambda connection: import_views(connection, ticket, events, register, self.owner_of))

    async def _keep_catalog(self, work: Callable[[Connection, Write], Awaitable[T]]) -> T:
        """Write to the catalog, and leave in the journal what a database that goes back would lack.

        Raises JournalFull when the write is committed and the journal refuses it: it is to be sent again.
        """
        journal = self._components.journal
        if journal.refusing:
            raise JournalFull("the journal takes nothing at the moment")
        write = Write(above=self._components.memory.revision)
        done = await self._write_catalog(lambda connection: work(connection, write))
        if write.rows:
            await journal.append(write.rows)
        return done

    async def _write_catalog(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        done = await self._writer.write(work)
        await self.catalog.refresh()
        self.artists.poke()
        return done

    # ---- what the API and the live counts ask

    async def post_facts(self, post_id: int, first: int, last: int) -> PostFacts:
        """Return what the answer about a content is made of. Raises StoreUnavailable."""
        return await post_facts(self._components.readers, post_id, first, last)

    async def post_views(self, post_id: int) -> PostViews:
        """Return the views of all time, those just acknowledged here included. Raises StoreUnavailable."""
        own_lag_s = await wait_for_own_views(self._components.journal, post_id)
        views = await post_views(self._components.readers, post_id)
        return PostViews(views, max(own_lag_s, self.waterline.lag_s()))

    def live_sources(self) -> Sources:
        """Return what the live counts ask."""
        readers, keys = self._components.readers, self._components.keys

        return Sources(
            counts=lambda posts, day: self._whole(live_counts.counts(readers, posts, date_of(day))),
            artist_counts=lambda user_id, day: self._whole(live_counts.artist_counts(readers, user_id, date_of(day))),
            artist_posts=lambda user_id: self._whole(live_counts.artist_posts(readers, user_id)),
            player_counts=lambda key, day: self._whole(live_counts.player_counts(readers, key, date_of(day))),
            top=self._top,
            owner_of=self.owner_of,
            viewer_of_player=keys.player,
        )

    async def _whole(self, answer: Coroutine[Any, Any, T]) -> T:
        """Return an answer, none from a database that lacks what it held: what is shown stays until it is whole."""
        was_behind = self.waterline.is_behind
        found = await answer
        if was_behind or self.waterline.is_behind:
            raise StoreUnavailable("the database has gone back and is being filled up")
        return found

    def owner_of(self, post_id: int) -> int | None:
        """Return whose a content is, as far as this process knows."""
        content = self._components.memory.content(post_id)
        return None if content is None else content.owner_id

    async def _top(self, limit: int, day: int) -> list[TopRow]:
        rows = await self._whole(live_counts.top_posts(self._components.readers, limit, date_of(day)))
        return [TopRow(**row) for row in rows]

    def lag_s(self) -> float:
        """Return for how long at least there has been something acknowledged that answers do not have."""
        return max(self._components.journal.oldest_age_s, self.waterline.lag_s())

    def state(self) -> str:
        """Say how the database is, for people."""
        if not self._migrator.done.is_set():
            return REFUSED if self._migrator.refusal else "starting"
        if self.waterline.is_behind:
            return "gone back: what it lacks is being replayed"
        found = {self._components.states.get(name) for name in ("drain", "catalog", "notices")}
        if "refused" in found:
            return REFUSED
        return "ok" if found == {"ok"} and self.drain.connected else "not answering"

    # ---- sessions

    async def export_session(self) -> Connection:
        """Return a session for one export. Raises StoreUnavailable."""
        return await self._components.database.connect("reader", command_timeout_s=EXPORT_TIMEOUT_S, name="vts export")

    def _connector(self, role: Role, timeout_s: float | None = None, idle_s: float = IDLE_IN_TRANSACTION_S) -> Connect:
        """Return how an actor gets its session: not before the schema is there. `timeout_s` is for one command."""

        async def connect() -> Connection:
            if self._components.embedded is not None:
                await self._components.embedded.wait_ready()
            await self._migrator.done.wait()
            database = self._components.database
            return await database.connect(role, command_timeout_s=timeout_s, idle_in_transaction_s=idle_s)

        return connect

    def _committed(self, committed: Committed) -> None:
        metrics = self._components.metrics
        metrics.drained(committed.records, committed.took_s)
        self.waterline.drained({committed.run_id: committed.last_seq})
        if committed.dead:
            metrics.dead_letter(committed.dead)
        if committed.duplicates:
            metrics.note("stored_before", committed.duplicates)
        self.hub.on_committed(committed)

    def _journal_went_back(self, last: int, expected: int) -> None:
        """The journal's file is older than the database: what was not drained of newer rows is lost."""
        self._components.metrics.note("journal_went_back")
        _log.warning(
            "a run of the journal ended at row %d, expected at least %d: the file is an older copy", last, expected
        )

    async def _migrate(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        if self._components.embedded is not None:
            await self._components.embedded.wait_ready()
        await self._migrator.run()

    async def _follow_notices(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hear what other processes commit. Raises StoreUnavailable when the session is lost."""
        task_status.started()
        async with self._session() as connection:
            await connection.listen(channels.LIVE, self._notice)
            self.hub.resync()
            if others := await announce(connection, self._components.viewer_key_name):
                self._components.metrics.note("other_viewer_keys")
                _log.error("%d other processes on this database %s; %s", others, *OTHER_KEYS)
            await connection.stay()

    def _notice(self, payload: str) -> None:
        try:
            notice = self.hub.on_notify(payload)
        except msgspec.MsgspecError:
            self._components.metrics.note("unreadable_notice")
            return
        if notice.run and notice.journal != self._components.journal.journal_id.hex():
            self.waterline.heard(bytes.fromhex(notice.run), notice.seq)

    async def _changes(self, revision: int) -> Change:
        async with self._session() as connection:
            await self.waterline.check(connection)
            return await changes_since(connection, revision)

    async def _drain_session(self) -> Connection:
        connection = await self._connector("writer", idle_s=IDLE_WITH_LOCKS_S)()
        try:
            await self.waterline.check(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _gone_back(self) -> None:
        """Let nobody go on with a session of a database that is no longer the one."""
        self._components.readers.close()
        self.drain.reconnect()

    async def _recovered(self) -> None:
        await self.catalog.refresh()
        self.hub.resync()

    @asynccontextmanager
    async def _listening(self, wake: Callable[[], None]) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        async with self._session() as connection:
            await connection.listen(channels.CATALOG, lambda _: wake())
            yield connection.stay

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Connection]:
        connection = await self._connector("reader")()
        try:
            yield connection
        finally:
            await connection.close()
