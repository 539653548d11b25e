"""Days of a site by chance, with everything that makes counting hard, and the comparison all along."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from tests.capture.http_support import BROWSER
from tests.truth.display import Display
from tests.truth.ledger import SITE, Imported, Ledger, Seen, Visit
from tests.truth.simulated_site import DAY_US, HOUR_US, RAW_DAYS, SimulatedSite
from vts.capture.http.request import Route
from vts.model import identity
from vts.model.day import date_of
from vts.model.imports import DailyRow
from vts.rollup.replace import Rolled
from vts.store.session.pool import Readers

START = 20_600
LONG_AGO = START - 40
POSTS = (1, 2, 3, 4, 5)
USERS = (11, 12, 13, 14)
PLAYERS = tuple(uuid.UUID(int=n + (4 << 76) + (1 << 63)).bytes for n in range(3))
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
AGENTS = {BROWSER: "desktop", PHONE: "mobile"}
SECOND_US = 1_000_000
PAUSE_DAYS = RAW_DAYS + 2

Again = tuple[int, bool, Callable[[], Awaitable[str]]]
"""When something was sent, whether its id tells no day, and how to send it again."""


class Story:
    """Does things by chance, tells the ledger, and compares."""

    def __init__(self, simulated: SimulatedSite, chance: random.Random, nursery: trio.Nursery) -> None:
        self.site = simulated
        self.chance = chance
        self.ledger = Ledger(RAW_DAYS)
        self.display = Display(Readers(simulated.database), self.ledger)
        self.paused_since_us = self.paused_until_us = 0
        self._nursery = nursery
        self._sent: list[Again] = []
        self._number = 0

    async def tell(self, days: int, steps_a_day: int, compare_every: int) -> None:
        for player in PLAYERS:
            await self._own_player(player, self.chance.choice([None, *USERS[:2]]))
        acts: dict[Callable[[], Awaitable[None]], int] = {
            self._visit: 8, self._signed: 8, self._reported: 6, self._played: 8, self._again: 5, self._page: 3,
            self._host_event: 2, self._own: 4, self._own_a_player: 1, self._delete: 1, self._drain: 4, self._roll: 3,
            self._restart: 1, self._pause: 1, self._import_daily: 1, self._import_views: 1,
        }  # fmt: skip
        for step in range(days * steps_a_day):
            self.site.now_us = START * DAY_US + step * DAY_US // steps_a_day + self.chance.randrange(SECOND_US)
            await self.chance.choices(list(acts), list(acts.values()))[0]()
            await self.display.poll(POSTS, self.site.now_us, may_fall=False)
            if step % steps_a_day == steps_a_day - 1:
                await self._drain()
                await self._roll()
                if step // steps_a_day % compare_every == 0:
                    await self._compare(START + step // steps_a_day)
        self.paused_until_us = 0
        await self._drain()
        await self._roll()
        await self._compare(START + days, since=START - RAW_DAYS)
        self.display.readers.close()

    async def _compare(self, today: int, since: int | None = None) -> None:
        """In the evening the days that may still change, and the whole range."""
        days = (LONG_AGO, *range(today - RAW_DAYS - 1 if since is None else since, today + 1))
        ranges = [(LONG_AGO, today + 1), *((day, day) for day in days)]
        await self.display.compare(ranges, POSTS, USERS, self.site.now_us)

    # ---- what comes in

    def _said(self) -> tuple[dict[str, Any], dict[str, str]]:
        """A view's fields, and under which values it counts."""
        body: dict[str, Any] = {"post_id": self.chance.choice(POSTS)}
        facts = {"source": "web", "type": "intentional", "device": "desktop"}
        if self.chance.random() < 0.4:
            body["referrer"], facts["referrer"] = "https://www.news.example/a?b=c", "news.example"
        if self.chance.random() < 0.4:
            body["view_type"] = facts["type"] = self.chance.choice(["listing", "search", "widget"])
        if self.chance.random() < 0.3:
            body["channel"] = facts["channel"] = self.chance.choice(["all", "hashtag"])
            body["play_order"] = 1
            facts["play_order"] = "1"
        if self.chance.random() < 0.2:
            body["playlist_id"], facts["playlist"] = 9, "9"
        return body, facts

    def _with_id(self, body: dict[str, Any], back_us: int) -> int:
        """Maybe give the event an id of the client's. Returns when the view was."""
        kind = self.chance.choice([None, 4, 7])
        if kind == 7:
            at_us = (self.site.now_us - self.chance.randrange(back_us)) // 1000 * 1000
            body["event_id"] = str(uuid.UUID(bytes=identity.version_7(at_us, self.chance.randbytes(10))))
            return at_us
        if kind == 4:
            body["event_id"] = str(uuid.UUID(bytes=self.chance.randbytes(16), version=4))
        return self.site.now_us

    async def _send(self, seen: Seen, send: Callable[[], Awaitable[str]], event_id: str | None) -> None:
        outcome = await send()
        assert outcome == self._expected(seen), (seen, outcome)
        if outcome == "accepted":
            self.ledger.waiting.append(seen)
            if event_id is not None:
                self._sent.append((self.site.now_us, event_id[14:15] == "4", send))

    def _expected(self, seen: Seen) -> str:
        if seen.day < self.site.now_us // DAY_US - RAW_DAYS + 1:
            return "too_late"
        if seen.post_id in self.ledger.deleted:
            return "deleted"
        owner = self.ledger.owner(seen.post_id)
        return "author" if owner is not None and owner == seen.user else "accepted"

    async def _visit(self) -> None:
        body, facts = self._said()
        peer, agent = f"10.0.0.{self.chance.randrange(4)}", self.chance.choice(list(AGENTS))
        at_us = self._with_id(body, 20 * HOUR_US)
        facts["device"] = AGENTS[agent]
        seen = Seen(post_id=body["post_id"], at_us=at_us, viewer=(peer, agent), facts=facts)
        await self._send(seen, lambda: self.site.post(Route.VIEW, peer, agent, None, body), body.get("event_id"))

    async def _signed(self) -> None:
        body, facts = self._said()
        user = self.chance.choice(USERS)
        at_us = self._with_id(body, 20 * HOUR_US)
        seen = Seen(post_id=body["post_id"], at_us=at_us, viewer=user, user=user, facts=facts)

        async def send() -> str:
            return await self.site.post(Route.VIEW, "10.0.1.1", BROWSER, self.site.token(user), body)

        await self._send(seen, send, body.get("event_id"))

    async def _reported(self) -> None:
        """A service speaks for a visitor whom it knows by name, or by address and agent."""
        body, facts = self._said()
        user = self.chance.choice([None, *USERS])
        at_us = self._with_id(body, 60 * HOUR_US)
        viewer: Any = user
        if user is not None:
            body["user_id"] = user
        else:
            viewer = body["client_ip"], body["user_agent"] = "10.0.0.1", self.chance.choice(list(AGENTS))
            facts["device"] = AGENTS[body["user_agent"]]
        seen = Seen(post_id=body["post_id"], at_us=at_us, viewer=viewer, user=user, facts=facts)

        async def send() -> str:
            token = self.site.token(self.chance.choice([None, *USERS]), "service")  # of any account
            return await self.site.post(Route.VIEW, "10.9.9.9", "curl/8", token, body)

        await self._send(seen, send, body.get("event_id"))

    async def _played(self) -> None:
        """A player's own clock says when, up to some days ago."""
        player = self.chance.choice(PLAYERS)
        back_s = self.chance.choice([0, 0, self.chance.randrange(60 * 3600)])
        at_us = (self.site.now_us // SECOND_US - back_s) * SECOND_US
        body = {
            "post_id": self.chance.choice(POSTS), "timestamp": f"{_time(at_us):%Y-%m-%dT%H:%M:%SZ}", "country": "BR",
            "intent": "artwork", "channel": "all", "play_order": 2, "timezone": "",
        }  # fmt: skip
        facts = {
            "source": "player", "type": "intentional", "device": "player", "country": "BR", "channel": "all",
            "play_order": "2",
        }  # fmt: skip
        user = self.ledger.players[player][-1][1]
        seen = Seen(post_id=body["post_id"], at_us=at_us, viewer=player, user=user, player=player, facts=facts)  # type: ignore[arg-type]
        await self._send(seen, lambda: self.site.play(player, body), "by its time")

    async def _again(self) -> None:
        """What was sent within the day comes again, and counts once.

        A copy is known by the raw row of the first: it is drained at once, since that may go while the drain pauses.
        """
        now_us, paused = self.site.now_us, self.site.now_us < self.paused_until_us
        since_us = max(now_us - 20 * HOUR_US, self.paused_since_us if paused else 0)
        recent = [one for one in self._sent if one[0] > since_us]
        if recent:
            _, has_no_day, send = self.chance.choice(recent)
            if await send() == "accepted" and has_no_day:
                self.ledger.copied.append(now_us // DAY_US)
            await self._drain()

    async def _page(self) -> None:
        peer, agent = f"10.0.0.{self.chance.randrange(4)}", self.chance.choice(list(AGENTS))
        assert await self.site.post(Route.PAGE_VIEW, peer, agent, None, {"path": "/recent"}) == "accepted"
        self.ledger.waiting.append(Visit(at_us=self.site.now_us, kind="page_view", viewer=(peer, agent)))

    async def _host_event(self) -> None:
        kind = self.chance.choice(["signup", "upload", "error"])
        body = {"event_type": kind, "user_id": self.chance.choice(USERS)}
        token = self.site.token(None, "service")
        assert await self.site.post(Route.HOST_EVENT, "10.9.9.9", "curl/8", token, body) == "accepted"
        self.ledger.waiting.append(Visit(at_us=self.site.now_us, kind=kind, viewer=None))

    # ---- what services say

    async def _own(self) -> None:
        post_id, owner = self.chance.choice(POSTS), self.chance.choice([None, *USERS])
        await self.site.own(post_id, owner)
        self.ledger.owners[post_id].append((self.site.now_us, owner))
        self.ledger.deleted.discard(post_id)

    async def _own_a_player(self) -> None:
        await self._own_player(self.chance.choice(PLAYERS), self.chance.choice([None, *USERS]))

    async def _own_player(self, player: bytes, owner: int | None) -> None:
        await self.site.own_player(player, owner)
        self.ledger.players[player].append((self.site.now_us, owner))

    async def _delete(self) -> None:
        post_id = self.chance.choice(POSTS)
        if self.chance.random() < 0.5 and await self.site.delete(post_id):
            self.ledger.deleted.add(post_id)

    def _day_of_imports(self) -> int:
        """Long ago, or a day whose raw rows were dropped."""
        return self.chance.choice([LONG_AGO, LONG_AGO + 1, *self.ledger.dropped])

    async def _import_daily(self) -> None:
        day, self._number = self._day_of_imports(), self._number + 1
        rows = []
        for post_id in self.chance.sample(POSTS, 2):
            views = self.chance.randrange(2, 30)
            viewers = self.chance.randrange(1, views)
            rows.append(Imported(post_id=post_id, day=day, views=(views, 1), viewers=(viewers, 1), country="DE"))
        rows.append(Imported(post_id=SITE, day=day, views=(0, 0), viewers=(self.chance.randrange(99), 1)))
        told = [
            DailyRow(
                post_id=row.post_id, day=date_of(day), views=row.views[0], views_authenticated=row.views[1],
                unique_viewers=row.viewers[0], unique_viewers_authenticated=row.viewers[1],
                breakdowns={"country": {"DE": list(row.views)}} if row.post_id else None,
            )
            for row in rows
        ]  # fmt: skip
        await self.site.import_daily(f"daily {self._number}", told)
        self.ledger.imported += rows
        self.ledger.dropped.add(day)

    async def _import_views(self) -> None:
        """Of a day without raw rows, twice under two names, and of yesterday; some of it is undone."""
        day, self._number = self._day_of_imports(), self._number + 1
        old = self._views_at(day * DAY_US + HOUR_US)
        for name, new in ((f"old {self._number}", len(old)), (f"old again {self._number}", 0)):
            assert await self.site.import_views(name, [body for body, _ in old]) == new
        self.ledger.views += [seen for _, seen in old]
        self.ledger.dropped.add(day)
        recent = self._views_at((self.site.now_us // SECOND_US - 86_400) * SECOND_US)
        recent = [(body, seen) for body, seen in recent if self._expected(seen) == "accepted"]
        name = f"recent {self._number}"
        assert await self.site.import_views(name, [body for body, _ in recent], recent=True) == len(recent)
        if self.chance.random() < 0.5:
            await self.site.undo_import(name)
            self.ledger.emptied |= {seen.day for _, seen in recent}
        else:
            self.ledger.views += [seen for _, seen in recent]
        # Of a day with late views an undo keeps viewers and times (docs/api.md, History): these days have none.
        long_ago = self.chance.choice([LONG_AGO, LONG_AGO + 1])
        wrong = [body for body, _ in self._views_at(long_ago * DAY_US + 2 * HOUR_US)]
        assert await self.site.import_views(f"wrong {self._number}", wrong) == len(wrong)
        await self.site.undo_import(f"wrong {self._number}")

    def _views_at(self, at_us: int) -> list[tuple[dict[str, Any], Seen]]:
        made = []
        for place in range(self.chance.randrange(1, 4)):
            body, facts = self._said()
            peer, agent = f"10.0.0.{self.chance.randrange(4)}", self.chance.choice(list(AGENTS))
            then_us = at_us + place * SECOND_US
            body |= {"client_ip": peer, "user_agent": agent, "created_at": then_us}
            body["event_id"] = str(uuid.UUID(bytes=identity.version_7(then_us, self.chance.randbytes(10))))
            facts["device"] = AGENTS[agent]
            made.append((body, Seen(post_id=body["post_id"], at_us=then_us, viewer=(peer, agent), facts=facts)))
        return made

    # ---- what happens behind

    async def _drain(self) -> None:
        if self.site.now_us >= self.paused_until_us:
            await self.site.drain()
            self.ledger.drained()
            await self.site.add_up_artists()

    async def _roll(self) -> None:
        self.site.now_us += 11 * 60 * SECOND_US  # a day is rolled again after ten minutes
        outcomes = await self.site.roll()
        assert all(isinstance(outcome, Rolled) for outcome in outcomes), outcomes
        before = self.ledger.left_out
        self.ledger.rolled(self.site.now_us)
        await self.site.add_up_artists()
        await self.display.poll(POSTS, self.site.now_us, may_fall=self.ledger.left_out > before)

    async def _restart(self) -> None:
        await self.site.stop()
        await self.site.start(self._nursery)

    async def _pause(self) -> None:
        """The database takes nothing more from this journal, for so long that days lose their raw rows meanwhile."""
        if self.paused_until_us == 0 and self.chance.random() < 0.5:
            self.paused_since_us = self.site.now_us
            self.paused_until_us = self.site.now_us + self.chance.choice([HOUR_US, DAY_US, PAUSE_DAYS * DAY_US])


def _time(at_us: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_us // SECOND_US, dt.UTC)
