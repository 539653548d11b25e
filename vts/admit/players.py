"""How often a player may report: its views some seconds apart in their own time, so many reports a minute. Pure.

A player that was offline delivers its queue at once, and not always in order: a view is compared with its neighbours in
device time, on both sides. Exact among the views of one minute of arrival (a thousand, more than the queue of an hour);
of what arrived before, the newest few are kept, so that a player costs less than 300 bytes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict
from itertools import islice
from typing import Final

from vts.admit.tables import PLAYERS_MAX, Recent, is_open
from vts.model.day import MINUTE_US

TIMES_KEPT: Final = 4  # of earlier minutes, 8 bytes each
TIMES_MAX: Final = 1_024  # of this minute: 8 KB
LONG: Final = 32  # more times than that are a queue being delivered
LONG_MAX: Final = 4_000  # queues being delivered at a time whose order is checked exactly: 32 MB
_BITE: Final = 500  # of them looked at in one step of ageing: a millisecond
_HEAD: Final = 2  # start of the minute, reports in it; then the times, in order


class PlayerLimits:
    """The table. A player is one array of integers: any object around it would cost as much as all it holds."""

    def __init__(self, interval_us: int, per_minute: int) -> None:
        self._interval_us = interval_us
        self._per_minute = per_minute
        self._states: Recent[bytes, array[int]] = Recent(PLAYERS_MAX)
        self._long: OrderedDict[bytes, array[int]] = OrderedDict()

    def wait_us(self, key: bytes, time_us: int, now_us: int) -> int:
        """Return 0 when a view of this time may count now, else how long the player should wait."""
        state = self._states.get(key)
        if state is None:
            return 0
        if state[1] >= self._per_minute > 0 and is_open(state[0], now_us):
            return state[0] + MINUTE_US - now_us
        place = bisect_left(state, time_us, _HEAD)
        gap_us = time_us - state[place - 1] if place > _HEAD else self._interval_us
        if place < len(state):
            gap_us = min(gap_us, state[place] - time_us)
        return max(0, self._interval_us - gap_us)

    def use(self, key: bytes, time_us: int, now_us: int) -> int:
        """Note a view. Returns the start of the minute in which it is counted, for `give_back`."""
        state = self._states.get(key)
        if state is None:
            state = array("q", (now_us, 0))
        elif not is_open(state[0], now_us) or len(state) > TIMES_MAX + _HEAD:
            _trim(state, time_us)
        if not is_open(state[0], now_us):
            state[0], state[1] = now_us, 0
        self._states.put(key, state)
        state[1] += 1
        state.insert(bisect_left(state, time_us, _HEAD), time_us)
        if len(state) > LONG + _HEAD:
            self._note_long(key, state)
        return state[0]

    def give_back(self, key: bytes, time_us: int, window_us: int) -> None:
        """Forget a view that is not durable."""
        state = self._states.get(key)
        if state is None:
            return
        if state[0] == window_us:
            state[1] = max(0, state[1] - 1)
        place = bisect_left(state, time_us, _HEAD)
        if place < len(state) and state[place] == time_us:
            del state[place]

    def age(self, now_us: int) -> None:
        """Shorten what is kept of queues that have been delivered."""
        over = [key for key, state in islice(self._long.items(), _BITE) if not is_open(state[0], now_us)]
        for key in over:
            _trim(self._long.pop(key))

    def _note_long(self, key: bytes, state: array[int]) -> None:
        if key in self._long:
            return
        self._long[key] = state
        if len(self._long) > LONG_MAX:
            _trim(self._long.popitem(last=False)[1])

    def __len__(self) -> int:
        return len(self._states)


def _trim(state: array[int], around_us: int | None = None) -> None:
    """Keep the newest times, and the neighbours of one that is about to be noted."""
    kept = set(state[_HEAD:][-TIMES_KEPT:])
    if around_us is not None:
        place = bisect_left(state, around_us, _HEAD)
        kept.update(state[max(_HEAD, place - 1) : place + 1])
    state[_HEAD:] = array("q", sorted(kept))
