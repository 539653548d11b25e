"""When a changed topic is published: at once unless its last text is recent, and a topic that is not read is dropped.

Every topic rests by itself after a text, so a change is visible at once in the usual case, and a thousand readers are
not woken in one step.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

import trio

from vts.live.asking import AnyTrack
from vts.live.board import Reader
from vts.live.followed import FollowedTopics
from vts.live.window import ViewerWindow
from vts.model.day import SECOND_US, day_of
from vts.model.ports import Clock

UNREAD_S: Final = 30.0  # a board outlives its last reader so long: reloading a page costs no query
IDLE_S: Final = 1.0  # viewers leave without a commit: look so often
STEPS: Final = 8  # of a topic's rest: changes that fall into one are put up together
WOKEN_AT_ONCE: Final = 16  # readers; then other tasks run: 0.5 ms


class Publisher:
    """Marks tracks as changed, and publishes them until stopped. `want` asks the database for a track's numbers."""

    def __init__(
        self,
        followed: FollowedTopics,
        window: ViewerWindow,
        clock: Clock,
        want: Callable[[AnyTrack], None],
        per_second: float,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._followed = followed
        self._window = window
        self._clock = clock
        self._want = want
        self._rest_s = 1.0 / per_second
        self._entropy = entropy
        self._tidy_s = float("-inf")
        self._dirty: dict[AnyTrack, None] = {}
        self._changed = trio.Event()
        self._stopping = False
        self.epoch = entropy(4).hex()

    def touch(self, track: AnyTrack) -> None:
        """Note that a track has changed."""
        self._dirty[track] = None
        self._changed.set()
        if track.stale:
            self._want(track)

    def turn(self, today: int) -> None:
        """Begin a day on all tracks, unless it has begun."""
        for track in self._followed.turn(today):
            self.touch(track)

    def stop(self) -> None:
        """End `run`. The publisher is not started again."""
        self._stopping = True
        self._changed.set()

    def begin_epoch(self) -> None:
        """Start an epoch: every track is published anew, from number 1."""
        self.epoch = self._entropy(4).hex()
        for track in self._followed.all():
            track.board.begin(self.epoch)
            self.touch(track)

    async def run(self) -> None:
        """Publish until `stop`."""
        while not self._stopping:
            if not self._dirty:
                with trio.move_on_after(IDLE_S):
                    await self._changed.wait()
            self._changed = trio.Event()
            due_s = trio.current_time() + self._rest_s / STEPS
            woken = self._publish()
            for start in range(0, len(woken), WOKEN_AT_ONCE):
                for reader in woken[start : start + WOKEN_AT_ONCE]:
                    reader.wake()
                await trio.lowlevel.checkpoint()
            await trio.sleep_until(due_s)

    def _publish(self) -> list[Reader]:
        """Publish the tracks that have changed and rested, in one step. Return the readers to wake."""
        now_us, now_s = self._clock(), trio.current_time()
        self.turn(day_of(now_us))
        for track in self._followed.with_fewer_viewers(self._window.expire(now_us // SECOND_US)):
            self._dirty[track] = None
        woken: list[Reader] = []
        for track in [track for track in self._dirty if track.board.rests_until_s <= now_s]:
            del self._dirty[track]
            seq = track.board.seq
            woken += track.show(self._window, now_us)
            if track.board.seq != seq:
                track.board.rests_until_s = now_s + self._rest_s
        if now_s >= self._tidy_s:
            self._tidy_s = now_s + IDLE_S
            self._drop_unread(now_s - UNREAD_S)
        return woken

    def _drop_unread(self, before_s: float) -> None:
        for track in list(self._followed.all()):
            since_s = track.board.unread_since_s
            if since_s is not None and since_s < before_s:
                self._followed.drop(track)
                self._dirty.pop(track, None)
