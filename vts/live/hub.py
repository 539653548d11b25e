"""The hub: turns commits into what readers see, at most so often a second per topic; the newest text replaces others.

Commits of this process and notices of others bring totals, so following a post asks the database once; `asking` asks
again for what totals lack (a late day, an artist's unique viewers, a player, the posts of the top).
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager

import trio

from vts.live.asking import AnyTrack, Asking, Sources
from vts.live.board import Reader
from vts.live.connections import Connections
from vts.live.followed import FollowedTopics
from vts.live.public import DEFAULT_BOUNDS, PublicBounds, PublicTopics
from vts.live.publisher import Publisher
from vts.live.topics import BadTopic, Topic, parse, read_name
from vts.live.window import CAPACITY, ViewerWindow
from vts.model.committed import NOW_US, Committed, DayTotals, Notice, read_notice
from vts.model.day import SECOND_US, day_of
from vts.model.faults import Outage
from vts.model.ports import Clock
from vts.model.principal import Principal
from vts.model.reference import NoReferenceKey
from vts.model.tally import SITE
from vts.model.view import ViewEvent

MaySee = Callable[[Principal | None, Topic], "bool | Awaitable[bool]"]


class NotFollowed(Exception):
    """A topic cannot be followed by this client; `code` says why. `topic` is None for a name that is no topic's."""

    def __init__(self, text: str, code: str, topic: str | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.topic = topic


class Hub:
    """Takes commits and subscriptions. `on_committed`, `on_notify` and `stop` are synchronous."""

    def __init__(
        self,
        sources: Sources,
        may_see: MaySee,
        *,
        clock: Clock,
        journal_id: Callable[[], bytes],
        clients_max: int,
        clients_per_address: int,
        holds: Callable[[Principal], bool] = lambda principal: True,
        public: PublicBounds = DEFAULT_BOUNDS,
        is_open: Callable[[int], bool] = lambda post_id: False,
        per_second: float = 4.0,
        window_capacity: int = CAPACITY,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._owner_of = sources.owner_of
        self._references = sources.references
        self._may_see = may_see
        self._clock = clock
        self._journal_id = journal_id
        self._connections = Connections(clients_max, clients_per_address, holds)
        self._without_token = Connections(
            public.clients_max, public.clients_per_address, topics_max=public.topics_max, is_public=True
        )
        self._window = ViewerWindow(window_capacity)
        self._followed = FollowedTopics(sources.viewer_of_player)
        self._public = PublicTopics(self._followed, is_open)
        self._asking = Asking(sources, self._followed.all, self._touch)
        self._publisher = Publisher(self._followed, self._window, clock, self._asking.want, per_second, entropy)

    # ---- the actor

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Publish until stopped. Every start is a new epoch: what an earlier run missed is unknown."""
        self._publisher.begin_epoch()
        self.resync()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._asking.run)
            nursery.start_soon(self._connections.end_with_tokens)
            nursery.start_soon(self._public.run)
            task_status.started()
            await self._publisher.run()
            nursery.cancel_scope.cancel()

    def stop(self) -> None:
        """End every connection (1001) and admit no further one."""
        self._connections.stop()
        self._without_token.stop()
        self._publisher.stop()

    # ---- connections

    @property
    def clients(self) -> int:
        """How many are connected, by WebSocket or SSE."""
        return len(self._connections) + len(self._without_token)

    @property
    def public_clients(self) -> int:
        """How many of them have no token, and places of their own."""
        return len(self._without_token)

    @property
    def topics(self) -> int:
        """How many topics are being followed."""
        return len(self._followed)

    def admitted(
        self, address: str, principal: Principal | None = None, *, is_public: bool = False
    ) -> AbstractContextManager[Reader]:
        """Count a connection within the block. Raises TooManyClients.

        Its reading ends when the token of its principal ends. `is_public`: a client without a token, which takes no
        place of the others.
        """
        return (self._without_token if is_public else self._connections).admitted(address, principal)

    async def subscribe(self, reader: Reader, principal: Principal | None, name: str) -> None:
        """Add a topic to a connection; its snapshot follows. Raises NotFollowed."""
        try:
            topic = parse(name, self._references())
        except BadTopic as fault:
            raise NotFollowed(str(fault), "invalid_topic") from None
        except NoReferenceKey:
            raise NotFollowed("the catalog is not loaded yet", "unavailable", read_name(name).name) from None
        if topic.name not in reader.topics and len(reader.topics) >= reader.topics_max:
            raise NotFollowed(f"a connection follows at most {reader.topics_max} topics", "too_many_topics", topic.name)
        if reader.is_public or not await self._allowed(principal, topic):
            topic = self._public_form(topic)
        track = self._followed.get(topic) or self._follow(topic)
        if reader.topics.get(topic.name) not in (None, track.board):
            reader.unfollow(topic.name, trio.current_time())  # the other form of the same counts
        reader.follow(topic.name, track.board)
        if track.stale:
            self._asking.want(track)

    def unsubscribe(self, reader: Reader, name: str) -> None:
        """Remove a topic from a connection. One that it does not follow is no error; a bad name raises NotFollowed."""
        try:
            topic = read_name(name)
        except BadTopic as fault:
            raise NotFollowed(str(fault), "invalid_topic") from None
        reader.unfollow(topic.name, trio.current_time())

    # ---- what is committed

    def on_committed(self, committed: Committed) -> None:
        """Take a batch that this process committed."""
        self.warm(committed.events)
        self._take(committed.totals)

    def on_notify(self, payload: str) -> Notice:
        """Take a notice of NOTIFY `vts_live`, and return it. Raises msgspec.MsgspecError for one that is none."""
        notice = read_notice(payload)
        if notice.journal == self._journal_id().hex():
            return notice  # of this process: on_committed has taken it already
        second = self._clock() // SECOND_US
        for post_id, viewer, age_s in notice.viewers():
            self._see(post_id, viewer, second - age_s)
        self._take(notice.posts)
        return notice

    def resync(self) -> None:
        """Ask for everything anew: notices may have been lost (the listening connection was)."""
        self._asking.resync()

    def warm(self, events: Iterable[ViewEvent]) -> None:
        """Note the viewers of events: of a commit, or of the journal after a start."""
        now_us = self._clock()
        for event in events:
            if event.created_at > now_us - NOW_US:
                second = min(event.created_at, now_us) // SECOND_US
                self._see(event.post_id, event.viewer_key[:8], second)

    # ---- inside

    def _follow(self, topic: Topic) -> AnyTrack:
        self._publisher.turn(day_of(self._clock()))  # all tracks, so that every question is about one day
        return self._followed.follow(topic, self._publisher.epoch)

    def _public_form(self, topic: Topic) -> Topic:
        """Return what everyone may see of a topic that is not the client's own. Raises NotFollowed."""
        if topic.kind != "post" or topic.post_id is None or not self._public.may_follow(topic.post_id):
            raise NotFollowed("this topic is not yours to see", "forbidden", topic.name)
        topic = topic._replace(public=True)
        if self._public.is_full and self._followed.get(topic) is None:
            raise NotFollowed("too many contents are followed; try again later", "unavailable", topic.name)
        return topic

    async def _allowed(self, principal: Principal | None, topic: Topic) -> bool:
        verdict = self._may_see(principal, topic)
        try:
            return await verdict if inspect.isawaitable(verdict) else bool(verdict)
        except Outage:
            raise NotFollowed("the database does not answer", "unavailable", topic.name) from None

    def _see(self, post_id: int, viewer: bytes, second: int) -> None:
        number = int.from_bytes(viewer, "big")
        self._window.see(post_id, number, second)
        self._window.see(SITE, number, second)
        track = self._followed.players.get(viewer)
        if track is not None and isinstance(track.board.topic.key, bytes):
            self._window.see(track.board.topic.key, number, second)
            self._asking.want(track)

    def _take(self, totals: Iterable[DayTotals]) -> None:
        if not self._followed:
            return
        today = day_of(self._clock())
        self._publisher.turn(today)
        for post_id, day, views, unique in totals:
            for track in self._followed.of_post(post_id):
                if day == today:
                    track.commit(views, unique)
                    self._touch(track)
                else:
                    self._asking.want(track)  # a late view: it counts in the total, and is none of today's
            if post_id != SITE:
                self._take_for_many(post_id, day == today, views, unique)

    def _take_for_many(self, post_id: int, is_today: bool, views: int, unique: int) -> None:
        """Take the totals of a content for the topics that show several contents."""
        if self._followed.has_artists:
            artist = self._followed.of_artist(self._owner_of(post_id))
            if artist is not None:
                self._asking.want(artist)
        top = self._followed.top
        if top is not None and is_today:
            top.commit(post_id, views, unique)
            self._touch(top)

    def _touch(self, track: AnyTrack) -> None:
        self._publisher.touch(track)
