"""The topics that are followed, and how a commit finds them: by content, by player, by artist, and the top."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from vts.live.asking import AnyTrack
from vts.live.board import Board
from vts.live.topics import Topic
from vts.live.tracks import ArtistTrack, PublicTrack, TopTrack, Track
from vts.live.window import WindowKey

TOP_ROWS: Final = 10
MANY_GAP_S: Final = 1.0  # an artist's or a player's numbers are counted over many rows
TOP_GAP_S: Final = 1.0


class FollowedTopics:
    """One track per topic. All of them show the same day. `viewer_of_player` returns the viewer key of a player.

    `public`: the tracks that show what everyone may see. `players`: the first 8 bytes of a player's viewer key → its
    track. It is read for every event, so without a call.
    """

    def __init__(self, viewer_of_player: Callable[[bytes], bytes]) -> None:
        self._viewer_of_player = viewer_of_player
        self._tracks: dict[Topic, AnyTrack] = {}
        self.public: dict[Topic, Track] = {}
        self._by_key: dict[WindowKey, list[Track]] = {}
        self._artists: dict[int, ArtistTrack] = {}
        self.players: dict[bytes, Track] = {}
        self.top: TopTrack | None = None
        self.day = -1

    def __len__(self) -> int:
        return len(self._tracks)

    def all(self) -> Collection[AnyTrack]:
        """Return every track."""
        return self._tracks.values()

    def get(self, topic: Topic) -> AnyTrack | None:
        """Return the track of a topic, None when it is not followed."""
        return self._tracks.get(topic)

    def of_post(self, post_id: int) -> Iterable[Track]:
        """Return the tracks that show the counts of one content; 0 is the site."""
        return self._by_key.get(post_id, ())

    def of_artist(self, user_id: int | None) -> ArtistTrack | None:
        """Return the track of an artist, None when it is not followed."""
        return self._artists.get(user_id or 0)

    @property
    def has_artists(self) -> bool:
        """Whether any artist is followed: only then the owner of a content matters."""
        return bool(self._artists)

    def with_fewer_viewers(self, gone: set[WindowKey]) -> Iterator[AnyTrack]:
        """Give the tracks whose `viewers_now` may have fallen: viewers have left these keys."""
        for key in self._by_key.keys() & gone:
            yield from self._by_key[key]
        if gone:
            yield from self._artists.values()
            if self.top is not None:
                yield self.top

    def turn(self, day: int) -> Collection[AnyTrack]:
        """Begin a day on every track. Return the tracks, none when that day has begun."""
        if day == self.day:
            return ()
        self.day = day
        for track in self._tracks.values():
            track.turn(day)
        return self._tracks.values()

    def follow(self, topic: Topic, epoch: str) -> AnyTrack:
        """Make the track of a topic that is not followed yet."""
        track = self._track(topic, Board(topic, epoch))
        track.turn(self.day)
        self._tracks[topic] = track
        return track

    def drop(self, track: AnyTrack) -> None:
        """Remove a track."""
        topic = track.board.topic
        del self._tracks[topic]
        self.public.pop(topic, None)
        match topic:
            case Topic("top"):
                self.top = None
            case Topic("artist", int(user_id)):
                del self._artists[user_id]
            case _:
                self.players = {viewer: other for viewer, other in self.players.items() if other is not track}
                self._drop_key(topic.key if isinstance(topic.key, bytes) else topic.post_id, track)

    def _track(self, topic: Topic, board: Board) -> AnyTrack:
        match topic:
            case Topic("top"):
                self.top = TopTrack(board, TOP_ROWS, TOP_GAP_S)
                return self.top
            case Topic("artist", int(user_id)):
                artist = self._artists[user_id] = ArtistTrack(board, MANY_GAP_S)
                return artist
            case Topic("player", bytes(player_key)):
                track = self._keyed(player_key, Track(board, lambda window: window.count(player_key), MANY_GAP_S))
                self.players[self._viewer_of_player(player_key)[:8]] = track
                return track
            case _:
                post_id = topic.post_id
                assert post_id is not None
                kind = PublicTrack if topic.public else Track
                post = self._keyed(post_id, kind(board, lambda window: window.count(post_id)))
                if topic.public:
                    self.public[topic] = post
                return post

    def _keyed(self, key: WindowKey, track: Track) -> Track:
        self._by_key.setdefault(key, []).append(track)
        return track

    def _drop_key(self, key: WindowKey | None, track: AnyTrack) -> None:
        assert key is not None
        self._by_key[key] = [other for other in self._by_key[key] if other is not track]
        if not self._by_key[key]:
            del self._by_key[key]
