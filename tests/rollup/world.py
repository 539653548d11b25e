"""A site for the roller's tests: a journal and its drain, a roller, and a clock that only tests move."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import trio

from tests.store.drained import DAY, ListJournal, Told, assert_row, event
from tests.support.waiting import until
from vts.model.content import ContentRow, PlayerRow
from vts.model.day import DAY_US, HOUR_US, MINUTE_US, date_of, day_of_date
from vts.model.site import SiteEvent
from vts.model.view import ViewEvent
from vts.rollup.replace import Outcome
from vts.rollup.roller import Roller
from vts.store.drain.actor import Drain
from vts.store.facts.catalog import upsert_contents, upsert_players
from vts.store.session.connection import Connection, Database
from vts.store.session.faults import StoreUnavailable

RAW_DAYS = 3
TABLES = ("post_stats_daily", "artist_stats_daily", "site_stats_daily")


class RolledSite:
    """`now_us` begins in the evening of DAY. `owners` is what tests have told the catalog."""

    def __init__(self, database: Database, chance: random.Random) -> None:
        self.database = database
        self.chance = chance
        self.now_us = DAY * DAY_US + 20 * HOUR_US
        self.owners: dict[int, int] = {}
        self.journal = ListJournal(chance.randbytes(16))
        self.roller = self.another_roller()
        self._session: Connection | None = None

    def another_roller(self) -> Roller:
        return Roller(
            connect=partial(self.database.connect, "writer"),
            connect_owner=partial(self.database.connect, "owner"),
            connect_turn=partial(self.database.connect, "writer"),
            raw_days=RAW_DAYS,
            clock=lambda: self.now_us,
            chance=lambda: 0.0,
        )

    def view(self, post_id: int = 1, day: int = DAY, **fields: Any) -> ViewEvent:
        return event(self.chance, post_id=post_id, day=day, **fields)

    def visit(self, event_type: str = "page_view", day: int = DAY, **fields: Any) -> SiteEvent:
        seen = self.view(day=day)
        told: dict[str, Any] = {"page": "/recent"} if event_type == "page_view" else {}
        return SiteEvent(
            event_id=seen.event_id,
            event_day=day,
            event_type=event_type,
            viewer_key=seen.viewer_key,
            key_version=1,
            viewer_user_id=None,
            authenticated=seen.authenticated,
            country_code=seen.country_code,
            device_type=seen.device_type,
            user_agent_hash=None,
            referrer_domain=seen.referrer_domain,
            created_at=seen.created_at,
            event_data=None,
            **({"page": None, "error_type": None} | told | fields),
        )

    async def drained(self, events: Iterable[ViewEvent | SiteEvent]) -> None:
        """Have these events stored and counted, as they come in one batch."""
        self.journal.append(*events)
        drain = Drain(
            connect=partial(self.database.connect, "writer"),
            journal=self.journal,
            on_committed=Told(),
            clock=lambda: self.now_us,
            owner_of=self.owners.get,
        )
        drain.stop()
        await drain.run()

    async def own(self, post_id: int, owner_id: int) -> None:
        """Tell the database whose a content is; the drain knows as soon as `owners` does."""
        connection = await self.database.connect("writer")
        await upsert_contents(
            connection, [ContentRow(post_id=post_id, kind="artwork", owner_id=owner_id)], now_us=self.now_us
        )
        await connection.close()

    async def own_player(self, player_key: bytes, owner_id: int | None) -> None:
        """Tell the database whose a player is."""
        connection = await self.database.connect("writer")
        row = PlayerRow(player_key=uuid.UUID(bytes=player_key), owner_id=owner_id)
        await upsert_players(connection, [row], now_us=self.now_us)
        await connection.close()

    async def day_passes(self, days: int = 1, minutes: int = 0) -> None:
        self.now_us += days * DAY_US + minutes * MINUTE_US

    async def roll(self) -> list[Outcome]:
        return await self.roller.look()

    async def fetch(self, statement: str, *args: object) -> list[Any]:
        if self._session is None:
            self._session = await self.database.connect("owner")
        return await self._session.fetch(statement, *args)

    async def alone(self) -> None:
        """Wait until sessions that died hold nothing any more: the server may be a little late to notice."""
        here = "(SELECT oid FROM pg_database WHERE datname = current_database())"
        held = f"SELECT count(*) FROM pg_locks WHERE database = {here} AND pid <> pg_backend_pid()"

        async def is_alone() -> bool:
            return (await self.fetch(held))[0][0] == 0

        await until(is_alone)

    async def partitions(self) -> list[int]:
        rows = await self.fetch("SELECT right(relname, 8) FROM pg_class WHERE relname ~ '^view_events_[0-9]{8}$'")
        wanted = {f"{date_of(day):%Y%m%d}": day for day in range(DAY - 20, DAY + 20)}
        return sorted(wanted[row[0]] for row in rows)

    async def rows(self, table: str = "post_stats_daily", day: int = DAY) -> dict[int, dict[str, Any]]:
        """The rows of a day, by their first column."""
        key = {"post_stats_daily": "post_id", "artist_stats_daily": "owner_id", "site_stats_daily": "0"}[table]
        rows = await self.fetch(f"SELECT {key} AS whose, t.* FROM {table} AS t WHERE day = $1", date_of(day))
        return {row["whose"]: dict(row) for row in rows}

    async def everything(self) -> list[list[str]]:
        """All that is displayed, as text."""
        return [
            [row[0] for row in await self.fetch(f"SELECT t::text FROM {table} AS t ORDER BY 1")] for table in TABLES
        ]

    async def assert_rolled(self, views: Sequence[ViewEvent], owners: dict[int, int] | None = None) -> None:
        """Assert that posts, site and artists of all days add up to exactly these views."""
        posts: dict[tuple[int, int], list[ViewEvent]] = defaultdict(list)
        artists: dict[tuple[int, int], list[ViewEvent]] = defaultdict(list)
        for view in views:
            posts[view.post_id, view.event_day].append(view)
            posts[0, view.event_day].append(view)
            owner = (self.owners if owners is None else owners).get(view.post_id)
            if owner is not None:
                artists[owner, view.event_day].append(view)
        for table, key, groups in (
            ("post_stats_daily", "post_id", posts),
            ("artist_stats_daily", "owner_id", artists),
        ):
            rows = await self.fetch(f"SELECT {key} AS whose, t.* FROM {table} AS t")
            assert {(row["whose"], day_of_date(row["day"])) for row in rows} == set(groups)
            for row in rows:
                assert_row(row, groups[row["whose"], day_of_date(row["day"])])


class Death:
    """Ends the task that runs a statement with this text, while it is under way: by the connection, or by the scope."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.happened = False
        self.by_cancelling = False
        self._step: str | None = None
        self._scope = trio.CancelScope()
        self._real = Connection._call
        death = self

        async def call(self: Connection, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
            if death._step is not None and death._step in str(args[:1]):
                death._step = None
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(death._strike, self)
                    return await death._real(self, method, *args, **options)
            return await death._real(self, method, *args, **options)

        monkeypatch.setattr(Connection, "_call", call)

    @contextmanager
    def at(self, step: str | None) -> Iterator[None]:
        self._step, self.happened = step, False
        with trio.CancelScope() as self._scope:
            try:
                yield
            except* StoreUnavailable as lost:
                assert self.happened and not self.by_cancelling, lost.exceptions
        self._step = None

    async def _strike(self, connection: Connection) -> None:
        self.happened = True
        if self.by_cancelling:
            self._scope.cancel()
        else:
            connection.terminate()
