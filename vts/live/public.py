"""What everyone may follow without a token: the counts of public contents, within bounds of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import trio

from vts.live.followed import FollowedTopics
from vts.live.frames import error

CHECK_S: Final = 1.0  # how long a topic may outlive the publicity of its content
TOPICS_ALL_MAX: Final = 20_000  # of all public followers together: 30 MB
ASKS_MAX: Final = 1_000  # topics that one public connection may name, whether or not it follows them
NO_LONGER: Final = "this content is no longer public"


class PublicBounds(NamedTuple):
    """How many connections without a token there may be, in all and of an address, and the topics of each."""

    clients_max: int = 5_000
    clients_per_address: int = 50
    topics_max: int = 50


DEFAULT_BOUNDS: Final = PublicBounds()


class PublicTopics:
    """Says which contents everyone may follow, and ends topics whose content is no longer public."""

    def __init__(self, followed: FollowedTopics, is_open: Callable[[int], bool]) -> None:
        """`is_open` returns whether a content is there and public."""
        self._followed = followed
        self._is_open = is_open

    def may_follow(self, post_id: int) -> bool:
        """Return whether a content is there and public."""
        return self._is_open(post_id)

    @property
    def is_full(self) -> bool:
        """Whether no further content can be followed now."""
        return len(self._followed.public) >= TOPICS_ALL_MAX

    async def run(self) -> None:
        """End topics until cancelled."""
        while True:
            await trio.sleep(CHECK_S)
            for track in list(self._followed.public.values()):
                topic = track.board.topic
                if track.board.readers and topic.post_id is not None and not self._is_open(topic.post_id):
                    ended = error(NO_LONGER, "forbidden", topic.name)
                    for reader in list(track.board.readers):
                        reader.end_topic(topic.name, ended, trio.current_time())
