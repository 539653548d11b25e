"""Asks the database for what commits lack: first snapshots, late days, unique viewers of many posts, the top.

A topic is asked for while it has readers, together with all others that are due. A database that is away delays
first snapshots and nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import trio

from vts.live.board import Board, Reader
from vts.live.tracks import ArtistTrack, Counts, TopRow, TopTrack, Track
from vts.live.window import ViewerWindow
from vts.model.faults import Outage
from vts.model.reference import References

ASK_GAP_S: Final = 0.25  # between two loads of anything: a flood of subscriptions becomes one query
RELOAD_S: Final = 60.0  # erasures and roll-ups change stored counts; no notice announces them
OUTAGE_S: Final = 1.0  # between two tries while the database does not answer
POSTS_PER_LOAD: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the hub asks of the database and the catalog. The coroutines raise StoreUnavailable when it is away.

    `counts` may leave out posts that were never viewed; post 0 is the site. Counts are as of a day, the last argument:
    it is what "today" means in them, and nothing of a later day is in their totals. `top` gives public contents only,
    the most viewed first. `viewer_of_player` is the viewer key under which a player's views are counted. `references`
    gives texts their numbers; it is None before the catalog is loaded.
    """

    counts: Callable[[Sequence[int], int], Awaitable[Mapping[int, Counts]]]
    artist_counts: Callable[[int, int], Awaitable[Counts]]
    artist_posts: Callable[[int], Awaitable[Collection[int]]]
    player_counts: Callable[[bytes, int], Awaitable[Counts]]
    top: Callable[[int, int], Awaitable[Sequence[TopRow]]]
    owner_of: Callable[[int], int | None]
    viewer_of_player: Callable[[bytes], bytes]
    references: Callable[[], References | None] = lambda: None


class AnyTrack(Protocol):
    """What all kinds of tracks have in common."""

    board: Board
    day: int
    stale: bool
    due_s: float
    gap_s: float

    def turn(self, day: int) -> None:
        """Begin a day."""

    def show(self, window: ViewerWindow, at_us: int) -> Sequence[Reader]:
        """Publish what has changed. Return the readers to wake."""


class Asking:
    """The actor that asks. `answered` is called with every track that has new numbers."""

    def __init__(
        self, sources: Sources, tracks: Callable[[], Iterable[AnyTrack]], answered: Callable[[AnyTrack], None]
    ) -> None:
        self._sources = sources
        self._tracks = tracks
        self._on_answer = answered
        self._wanted = trio.Event()

    def want(self, track: AnyTrack) -> None:
        """Mark a track: its numbers differ from the database's."""
        track.stale = True
        self._wanted.set()

    def resync(self) -> None:
        """Ask for everything anew, at once."""
        for track in self._tracks():
            track.due_s = float("-inf")
            self.want(track)

    async def run(self) -> None:
        """Ask for what is due, until cancelled."""
        while True:
            with trio.move_on_after(self._until_due()):
                await self._wanted.wait()
            self._wanted = trio.Event()
            try:
                await self._ask(self._due())
            except Outage:
                await trio.sleep(OUTAGE_S)  # the topics are still stale: they are asked for at the next turn
            await trio.sleep(ASK_GAP_S)

    def _until_due(self) -> float:
        """Return the seconds until the next track is due, if none is marked meanwhile."""
        now_s = trio.current_time()
        return max(0.0, min(map(_due_s, self._read()), default=now_s + RELOAD_S) - now_s)

    def _due(self) -> list[AnyTrack]:
        now_s = trio.current_time()
        return [track for track in self._read() if now_s >= _due_s(track)]

    def _read(self) -> list[AnyTrack]:
        """Return the tracks that have readers; the others need no query."""
        return [track for track in self._tracks() if track.board.unread_since_s is None]

    async def _ask(self, tracks: list[AnyTrack]) -> None:
        posts: dict[int, list[Track]] = {}
        for track in tracks:
            post_id = track.board.topic.post_id
            if post_id is not None:
                assert isinstance(track, Track)
                posts.setdefault(post_id, []).append(track)
        ids = list(posts)
        for start in range(0, len(ids), POSTS_PER_LOAD):
            part = ids[start : start + POSTS_PER_LOAD]
            await self._ask_posts([(post_id, track) for post_id in part for track in posts[post_id]])
        for track in tracks:
            if track.board.topic.post_id is None:
                await self._ask_one(track)

    async def _ask_posts(self, tracks: list[tuple[int, Track]]) -> None:
        asked = [track.ask() for _, track in tracks]
        try:
            day = asked[0].day  # of all: the hub turns its tracks together
            counts = await self._sources.counts(list({post_id: None for post_id, _ in tracks}), day)
        except BaseException:
            for _, track in tracks:
                track.stale = True
            raise
        for (post_id, track), load in zip(tracks, asked, strict=True):
            track.load(load, counts.get(post_id, (0, 0, 0)))
            self._answered(track)

    async def _ask_one(self, track: AnyTrack) -> None:
        try:
            match track, track.board.topic.key:
                case TopTrack() as top, _:
                    asked = top.ask()
                    top.load(asked, await self._sources.top(top.size, asked.day))
                case ArtistTrack() as artist, int(user_id):
                    asked = artist.ask()
                    artist.posts = await self._sources.artist_posts(user_id)
                    artist.load(asked, await self._sources.artist_counts(user_id, asked.day))
                case Track() as player, bytes(player_key):
                    asked = player.ask()
                    player.load(asked, await self._sources.player_counts(player_key, asked.day))
        except BaseException:
            track.stale = True
            raise
        self._answered(track)

    def _answered(self, track: AnyTrack) -> None:
        track.due_s = trio.current_time() + track.gap_s
        self._on_answer(track)


def _due_s(track: AnyTrack) -> float:
    return track.due_s + (0.0 if track.stale else RELOAD_S)
