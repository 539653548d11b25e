"""A site in one process whose clock only the story moves: doors, gate, journal on disk, drain, roller, imports."""

from __future__ import annotations

import datetime as dt
import json
import random
import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import trio

from config.load import load
from supervisors.engine.mailbox import Mailbox
from tests.capture.http_support import COUNTRIES, ZONES
from tests.store.drained import Told
from vts.admit.admission import Admission
from vts.admit.gate import Gate, GateSettings
from vts.admit.site import SiteAdmission
from vts.admit.site_rules import SiteRules
from vts.admit.texts import JournaledTexts
from vts.auth.tokens import Tokens
from vts.capture.events.decide import CaptureDecision
from vts.capture.events.imported import ImportedView, ImportedViews, imported_event_of
from vts.capture.events.parts import Admissions, Senders, reports_of
from vts.capture.events.views import WebReports
from vts.capture.http.request import CaptureHead, CaptureReply, Route
from vts.capture.players.reactions import PlayerReactions
from vts.capture.players.reports import PlayerReports
from vts.capture.players.topics import Topics
from vts.capture.players.views import PlayerViews
from vts.catalog.memory import MemoryCatalog
from vts.enrich.enrich import Enricher
from vts.enrich.pages import Pages
from vts.enrich.viewer import ViewerKeys
from vts.journal.journal import Journal
from vts.model.content import ContentRow, PlayerRow
from vts.model.day import DAY_US, HOUR_US, MINUTE_US
from vts.model.imports import DailyRow
from vts.model.outcome import Accepted, Outcome
from vts.model.presence import Presence
from vts.model.principal import Principal
from vts.model.view import ViewEvent
from vts.rollup.replace import Outcome as Rolled
from vts.rollup.roller import Roller
from vts.store.drain.actor import Drain
from vts.store.facts.artists import add_up_marked
from vts.store.facts.catalog import changes_since, delete_content, upsert_contents, upsert_players
from vts.store.facts.history_import import Ticket, import_daily, import_views
from vts.store.facts.undo_import import undo_import
from vts.store.session.connection import Connection, Database

RAW_DAYS = 3
WARM_US = 15 * MINUTE_US
SERVICE = Principal(None, frozenset(("service",)))


async def _ignore(_: object) -> None:
    return


class SimulatedSite:
    """`restart` is what a new process does: tables from the journal, catalog from the database."""

    def __init__(self, database: Database, folder: Path, chance: random.Random, start_us: int) -> None:
        self.database = database
        self.now_us = start_us
        self._path = folder / "journal.sqlite"
        self._chance = chance
        self.tokens = Tokens(secret=b"a secret of the tests, 32 bytes long")
        self._enricher = Enricher(keys=ViewerKeys(b"v" * 32), countries=COUNTRIES, zones=ZONES)
        self._session: Connection | None = None
        self.roller = Roller(
            connect=partial(database.connect, "writer"),
            connect_owner=partial(database.connect, "owner"),
            connect_turn=partial(database.connect, "writer"),
            raw_days=RAW_DAYS,
            clock=self.clock,
            chance=lambda: 0.0,
        )

    def clock(self) -> int:
        return self.now_us

    async def session(self) -> Connection:
        if self._session is None:
            self._session = await self.database.connect("writer")
        return self._session

    # ---- the process

    async def start(self, nursery: trio.Nursery) -> None:
        self.catalog = MemoryCatalog()
        await self._follow_catalog()
        self._box: Mailbox[Any] = Mailbox(1_000)
        self.journal = Journal(self._path, self._box, max_bytes=1 << 28, keep_drained_s=86_400, clock=self.clock)
        self._ended = trio.Event()

        async def run(*, task_status: trio.TaskStatus[None]) -> None:
            await self.journal.run(task_status=task_status)
            self._ended.set()

        await nursery.start(run)
        rules = GateSettings(
            raw_days=RAW_DAYS, web_per_minute=0, player_interval_us=0, player_per_minute=0, provisional_per_minute=0
        )
        gate = Gate(rules, self.catalog, b"g" * 32)
        async for records in self.journal.recent(self.now_us - WARM_US):
            gate.warm([record for record in records if isinstance(record, ViewEvent)])
        self._texts = JournaledTexts(self.catalog)
        self.admission = Admission(
            gate, self.journal.submit, self._texts, self.clock, _uncounted, self._chance.randbytes
        )
        self._imported = ImportedViews(WebReports(self._enricher, self.catalog, lambda name: None), b"i" * 32)
        self._open_doors()

    def _open_doors(self) -> None:
        shipped = load({}).site
        self._players = PlayerReports(
            topics=Topics("makapix"),
            views=PlayerViews(enricher=self._enricher, catalog=self.catalog, count=_uncounted, on_refused=_uncounted),
            reactions=PlayerReactions(catalog=self.catalog, react=_ignore, count=_uncounted),
            catalog=self.catalog,
            admission=self.admission,
            presence=Presence(),
            count=_uncounted,
            clock=self.clock,
        )
        rules = SiteRules(self.catalog, raw_days=RAW_DAYS, per_minute=0, burst=0)
        site = SiteAdmission(rules, self.journal.submit, self._texts, self.clock, _uncounted)
        pages = Pages(shipped.page_rules, shipped.page_strip)
        self._decision = CaptureDecision(
            admissions=Admissions(views=self.admission, site=site, player_view=self._players.receive),
            reports=reports_of(self._enricher, self.catalog, pages.page_of, lambda name: None),
            senders=Senders(tokens=self.tokens, catalog=self.catalog),
            clock=self.clock,
            on_refused=_uncounted,
        )

    async def stop(self) -> None:
        self._box.seal()
        await self._ended.wait()

    async def close(self) -> None:
        await self.stop()
        if self._session is not None:
            await self._session.close()

    # ---- what comes in

    def token(self, user_id: int | None, *roles: str) -> str:
        token = self.tokens.issue(
            user_id=user_id, roles=frozenset(roles or ("user",)), now_s=self.now_us / 1e6, ttl_s=60
        )
        return f"Bearer {token}"

    async def _reply(self, head: CaptureHead, body: bytes) -> CaptureReply:
        replies: list[CaptureReply] = []
        answered = trio.Event()

        def answer(reply: CaptureReply) -> None:
            replies.append(reply)
            answered.set()

        assert self._decision.decide(head, body, answer) is None, "one event is decided without an await"
        await answered.wait()
        return replies[0]

    async def post(self, route: Route, peer: str, agent: str, token: str | None, body: dict[str, Any]) -> str:
        """Send one event. Returns `accepted`, or why it was dropped."""
        path = {Route.VIEW: "/api/view", Route.PAGE_VIEW: "/api/track/page-view", Route.HOST_EVENT: "/api/track/event"}
        head = CaptureHead(route, "POST", path[route], "", peer)
        head.agent, head.authorization = agent, token
        reply = await self._reply(head, json.dumps(body).encode())
        assert reply.status == 202, (reply, body)
        said = json.loads(reply.body)
        return "accepted" if said["accepted"] else next(iter(said["dropped"]))

    async def play(self, player: bytes, body: dict[str, Any]) -> str:
        return _word(await self._players.receive(player, json.dumps(body).encode()))

    # ---- what services say

    async def own(self, post_id: int, owner_id: int | None) -> None:
        row = ContentRow(post_id=post_id, kind="artwork", owner_id=owner_id)
        await upsert_contents(await self.session(), [row], now_us=self.now_us)
        await self._follow_catalog()

    async def own_player(self, player: bytes, owner_id: int | None) -> None:
        row = PlayerRow(player_key=uuid.UUID(bytes=player), owner_id=owner_id)
        await upsert_players(await self.session(), [row], now_us=self.now_us)
        await self._follow_catalog()

    async def delete(self, post_id: int) -> bool:
        done = await delete_content(await self.session(), post_id)
        await self._follow_catalog()
        return done

    def owner_of(self, post_id: int) -> int | None:
        content = self.catalog.content(post_id)
        return None if content is None else content.owner_id

    async def import_daily(self, name: str, rows: Sequence[DailyRow]) -> None:
        posts = sorted({row.post_id for row in rows if row.post_id})
        ticket = Ticket(name, "daily", name.encode())
        for repeated in (False, True):
            done = await import_daily(await self.session(), ticket, rows, posts, self.owner_of)
            assert done.repeated is repeated
        await self._follow_catalog()

    async def import_views(self, name: str, bodies: Sequence[dict[str, Any]], *, recent: bool = False) -> int:
        """Import views of days without raw rows, or of `recent` ones. Returns how many were new."""
        events = [imported_event_of(self._report(name, index, body)) for index, body in enumerate(bodies)]
        posts = sorted({event.post_id for event in events})
        ticket = Ticket(name, "views", name.encode())
        old, raw = ([], events) if recent else (events, [])
        applied = await import_views(await self.session(), ticket, old, posts, self.owner_of, recent=raw)
        await self._follow_catalog()
        return applied.imported + applied.recent

    async def undo_import(self, name: str) -> None:
        await undo_import(await self.session(), name)

    def _report(self, name: str, index: int, body: dict[str, Any]) -> Any:
        body = body | {"created_at": dt.datetime.fromtimestamp(body["created_at"] // 1_000_000, dt.UTC)}
        return self._imported.report(ImportedView(**body), index, name, SERVICE, "10.9.9.9", self.now_us)

    async def _follow_catalog(self) -> None:
        change = await changes_since(await self.session(), self.catalog.revision)
        if change.whole:
            self.catalog.replace(MemoryCatalog())
        self.catalog.apply(change.contents, change.players)
        self.catalog.revision = change.revision

    # ---- what happens behind

    async def drain(self) -> None:
        drain = Drain(
            connect=partial(self.database.connect, "writer"),
            journal=self.journal,
            on_committed=Told(),
            clock=self.clock,
            owner_of=self.owner_of,
        )
        drain.stop()
        await drain.run()
        await self._follow_catalog()

    async def roll(self) -> list[Rolled]:
        return await self.roller.look()

    async def add_up_artists(self) -> None:
        await add_up_marked(await self.session(), dt.timedelta(0))


def _uncounted(source: str, outcome: object, number: int) -> None:
    return


def _word(outcome: Outcome) -> str:
    return "accepted" if isinstance(outcome, Accepted) else str(outcome.reason.value)


__all__ = ["DAY_US", "HOUR_US", "RAW_DAYS", "SimulatedSite"]
