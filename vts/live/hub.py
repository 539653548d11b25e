"""The hub: turns commits into what readers see, at most so often a second per topic, newest wins.

Every topic rests on its own after it was put up, so a change is seen at once unless the last one is recent, and a
thousand readers are not roused in one moment.

Commits of this process and notices of others bring totals, so following a post asks the database once; `asking` asks
again for what totals cannot say (a late day, an artist's unique viewers, a player, who is in the top).
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import trio

from vts.live.asking import AnyTrack, Asking, Sources
from vts.live.board import Board, Reader
from vts.live.frames import TOPICS_MAX
from vts.live.topics import BadTopic, Topic, parse
from vts.live.tracks import ArtistTrack, TopTrack, Track
from vts.live.window import CAPACITY, ViewerWindow, WindowKey
from vts.model.committed import NOW_US, Committed, DayTotals, Notice, read_notice
from vts.model.day import SECOND_US, day_of
from vts.model.faults import Outage, TooManyClients
from vts.model.ports import Clock
from vts.model.principal import Principal
from vts.model.tally import SITE
from vts.model.view import ViewEvent

TOP_ROWS: Final = 10
MANY_GAP_S: Final = 1.0  # an artist's or a player's numbers are counted over many rows
TOP_GAP_S: Final = 1.0
UNREAD_S: Final = 30.0  # a board outlives its last reader so long: reloading a page costs no query
IDLE_S: Final = 1.0  # viewers leave without a commit: look so often
STEPS: Final = 8  # of a topic's rest: changes that fall into one are put up together
STANDING_S: Final = 2.0  # how long a connection may outlive its token
STANDING_AT_ONCE: Final = 200  # tokens looked at in one step: half a millisecond with a file of revoked ones
ROUSED_AT_ONCE: Final = 16  # then the loop looks after everybody else: 0.5 ms

MaySee = Callable[[Principal | None, Topic], "bool | Awaitable[bool]"]


class NotFollowed(Exception):
    """A topic cannot be followed by this client; `code` says why. `topic` is None for a name that is no topic's."""

    def __init__(self, text: str, code: str, topic: str | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.topic = topic


class Hub:
    """Boards of followed topics, and who is connected. `on_committed`, `on_notify` and `stop` are synchronous."""

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
        per_second: float = 4.0,
        window_capacity: int = CAPACITY,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._sources = sources
        self._may_see = may_see
        self._holds = holds
        self._clock = clock
        self._journal_id = journal_id
        self._clients_max = clients_max
        self._clients_per_address = clients_per_address
        self._rest_s = 1.0 / per_second
        self._tidy_s = float("-inf")
        self._entropy = entropy
        self._window = ViewerWindow(window_capacity)
        self._tracks: dict[str, AnyTrack] = {}
        self._by_key: dict[WindowKey, list[Track]] = {}
        self._artists: dict[int, ArtistTrack] = {}
        self._players: dict[bytes, Track] = {}
        self._top: TopTrack | None = None
        self._dirty: dict[AnyTrack, None] = {}
        self._changed = trio.Event()
        self._asking = Asking(sources, self._tracks.values, self._touch)
        self._readers: set[Reader] = set()
        self._addresses: dict[str, int] = {}
        self._stopping = False
        self._day = -1
        self._epoch = entropy(4).hex()

    # ---- the actor

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Publish until stopped. Every start is a new epoch: what an earlier run missed is unknown."""
        self._begin_epoch()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._asking.run)
            nursery.start_soon(self._end_with_tokens)
            task_status.started()
            await self._keep_publishing()
            nursery.cancel_scope.cancel()

    def stop(self) -> None:
        """Let every connection go (1001) and take no further one."""
        self._stopping = True
        for reader in self._readers:
            reader.leave()
        self._changed.set()

    # ---- connections

    @property
    def clients(self) -> int:
        """How many are connected, by WebSocket or SSE."""
        return len(self._readers)

    @property
    def topics(self) -> int:
        """How many topics are being followed."""
        return len(self._tracks)

    @contextmanager
    def admitted(self, address: str, principal: Principal | None = None) -> Iterator[Reader]:
        """Hold a place for a connection. Raises TooManyClients. The address is kept as long as the connection is.

        Its reading ends when the token of its principal does.
        """
        if self._stopping:
            raise TooManyClients("closing")
        if len(self._readers) >= self._clients_max:
            raise TooManyClients("too many live connections")
        if self._addresses.get(address, 0) >= self._clients_per_address:
            raise TooManyClients("too many live connections from this address")
        reader = Reader(principal)
        self._readers.add(reader)
        self._addresses[address] = self._addresses.get(address, 0) + 1
        try:
            yield reader
        finally:
            self._dismiss(reader, address)

    async def _end_with_tokens(self) -> None:
        """End the reading of those whose token has expired or was revoked, within seconds."""
        while True:
            await trio.sleep(STANDING_S)
            for number, reader in enumerate(tuple(self._readers), start=1):
                if reader.principal is not None and not self._holds(reader.principal):
                    reader.expire()
                if number % STANDING_AT_ONCE == 0:
                    await trio.lowlevel.checkpoint()

    async def subscribe(self, reader: Reader, principal: Principal | None, name: str) -> None:
        """Let a connection follow a topic; its snapshot is on the way. Raises NotFollowed."""
        try:
            topic = parse(name)
        except BadTopic as fault:
            raise NotFollowed(str(fault), "invalid_topic") from None
        if topic.name not in reader.topics and len(reader.topics) >= TOPICS_MAX:
            raise NotFollowed(f"a connection follows at most {TOPICS_MAX} topics", "too_many_topics", topic.name)
        if not await self._allowed(principal, topic):
            raise NotFollowed("this topic is not yours to see", "forbidden", topic.name)
        track = self._tracks.get(topic.name) or self._follow(topic)
        reader.topics[topic.name] = track.board
        track.board.add(reader)
        if track.stale:
            self._asking.want(track)

    def unsubscribe(self, reader: Reader, name: str) -> None:
        """Let a connection no longer follow a topic. One that it does not follow is no error."""
        board = reader.topics.pop(name.lower(), None)
        if board is not None:
            board.remove(reader, trio.current_time())

    # ---- what happens in the world

    def on_committed(self, committed: Committed) -> None:
        """Take a batch that this process committed."""
        self.warm(committed.events)
        self._take(committed.totals)

    def on_notify(self, payload: str) -> Notice:
        """Take a notice of NOTIFY `vts_live`, and return it. Raises msgspec.MsgspecError for one that is none."""
        notice = read_notice(payload)
        if notice.journal == self._journal_id().hex():
            return notice  # our own: on_committed has told it already
        second = self._clock() // SECOND_US
        for post_id, viewer, age_s in notice.viewers():
            self._see(post_id, viewer, second - age_s)
        self._take(notice.posts)
        return notice

    def resync(self) -> None:
        """Ask for everything anew: notices may have been lost (the listening connection was)."""
        self._asking.resync()

    def warm(self, events: Iterable[ViewEvent]) -> None:
        """Note who was seen: from a commit, or from the journal after a start."""
        now_us = self._clock()
        for event in events:
            if event.created_at > now_us - NOW_US:
                second = min(event.created_at, now_us) // SECOND_US
                self._see(event.post_id, event.viewer_key[:8], second)

    # ---- following

    def _follow(self, topic: Topic) -> AnyTrack:
        board = Board(topic, self._epoch)
        track: AnyTrack
        match topic:
            case Topic("top"):
                track = self._top = TopTrack(board, TOP_ROWS, TOP_GAP_S)
            case Topic("artist", int(user_id)):
                track = self._artists[user_id] = ArtistTrack(board, MANY_GAP_S)
            case Topic("player", bytes(player_key)):
                track = self._file(player_key, Track(board, lambda window: window.count(player_key), MANY_GAP_S))
                self._players[self._sources.viewer_of_player(player_key)[:8]] = track
            case _:
                post_id = topic.post_id
                assert post_id is not None
                track = self._file(post_id, Track(board, lambda window: window.count(post_id)))
        self._turn(day_of(self._clock()))  # all of them, so that every question is about one day
        track.turn(self._day)
        self._tracks[topic.name] = track
        return track

    def _file(self, key: WindowKey, track: Track) -> Track:
        self._by_key.setdefault(key, []).append(track)
        return track

    def _drop(self, track: AnyTrack) -> None:
        topic = track.board.topic
        del self._tracks[topic.name]
        self._dirty.pop(track, None)
        match topic:
            case Topic("top"):
                self._top = None
            case Topic("artist", int(user_id)):
                del self._artists[user_id]
            case _:
                self._players = {viewer: other for viewer, other in self._players.items() if other is not track}
                key = topic.key if isinstance(topic.key, bytes) else topic.post_id
                assert key is not None
                self._by_key[key] = [other for other in self._by_key[key] if other is not track]
                if not self._by_key[key]:
                    del self._by_key[key]

    async def _allowed(self, principal: Principal | None, topic: Topic) -> bool:
        verdict = self._may_see(principal, topic)
        try:
            return await verdict if inspect.isawaitable(verdict) else bool(verdict)
        except Outage:
            raise NotFollowed("the database does not answer", "unavailable", topic.name) from None

    def _dismiss(self, reader: Reader, address: str) -> None:
        self._readers.discard(reader)
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]
        for name in list(reader.topics):
            self.unsubscribe(reader, name)

    # ---- taking what was committed

    def _see(self, post_id: int, viewer: bytes, second: int) -> None:
        number = int.from_bytes(viewer, "big")
        self._window.see(post_id, number, second)
        self._window.see(SITE, number, second)
        track = self._players.get(viewer)
        if track is not None and isinstance(track.board.topic.key, bytes):
            self._window.see(track.board.topic.key, number, second)
            self._asking.want(track)

    def _take(self, totals: Iterable[DayTotals]) -> None:
        if not self._tracks:
            return
        today = day_of(self._clock())
        self._turn(today)
        for post_id, day, views, unique in totals:
            for track in self._by_key.get(post_id, ()):
                if day == today:
                    track.commit(views, unique)
                    self._touch(track)
                else:
                    self._asking.want(track)  # a late view: it counts in the total, and is none of today's
            self._take_for_many(post_id, day == today, views, unique)

    def _take_for_many(self, post_id: int, is_today: bool, views: int, unique: int) -> None:
        if self._artists and post_id != SITE:
            artist = self._artists.get(self._sources.owner_of(post_id) or 0)
            if artist is not None:
                self._asking.want(artist)
        if self._top is not None and is_today and post_id != SITE:
            self._top.commit(post_id, views, unique)
            self._touch(self._top)

    def _touch(self, track: AnyTrack) -> None:
        self._dirty[track] = None
        self._changed.set()
        if track.stale:
            self._asking.want(track)

    def _turn(self, today: int) -> None:
        if today == self._day:
            return
        self._day = today
        for track in self._tracks.values():
            track.turn(today)
            self._touch(track)

    # ---- publishing

    def _begin_epoch(self) -> None:
        self._epoch = self._entropy(4).hex()
        for track in self._tracks.values():
            track.board.begin(self._epoch)
            self._touch(track)
        self.resync()

    async def _keep_publishing(self) -> None:
        while not self._stopping:
            if not self._dirty:
                with trio.move_on_after(IDLE_S):
                    await self._changed.wait()
            self._changed = trio.Event()
            due_s = trio.current_time() + self._rest_s / STEPS
            roused = self._publish()
            for start in range(0, len(roused), ROUSED_AT_ONCE):
                for reader in roused[start : start + ROUSED_AT_ONCE]:
                    reader.rouse()
                await trio.lowlevel.checkpoint()
            await trio.sleep_until(due_s)

    def _publish(self) -> list[Reader]:
        """Put up what changed and has rested, in one step."""
        now_us, now_s = self._clock(), trio.current_time()
        self._turn(day_of(now_us))
        self._note_leavers(self._window.expire(now_us // SECOND_US))
        roused: list[Reader] = []
        for track in [track for track in self._dirty if track.board.rests_until_s <= now_s]:
            del self._dirty[track]
            seq = track.board.seq
            roused += track.show(self._window, now_us)
            if track.board.seq != seq:
                track.board.rests_until_s = now_s + self._rest_s
        if now_s >= self._tidy_s:
            self._tidy_s = now_s + IDLE_S
            self._drop_unread(now_s - UNREAD_S)
        return roused

    def _note_leavers(self, gone: set[WindowKey]) -> None:
        for key in self._by_key.keys() & gone:
            for track in self._by_key[key]:
                self._dirty[track] = None
        for artist in self._artists.values() if gone else ():
            self._dirty[artist] = None
        if gone and self._top is not None:
            self._dirty[self._top] = None

    def _drop_unread(self, before_s: float) -> None:
        for track in list(self._tracks.values()):
            since_s = track.board.unread_since_s
            if since_s is not None and since_s < before_s:
                self._drop(track)
