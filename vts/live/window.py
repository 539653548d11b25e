"""`viewers_now`: the distinct viewers of the last five minutes, per post, in bounded memory. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from vts.model.committed import NOW_US
from vts.model.day import SECOND_US

SPAN_S: Final = NOW_US // SECOND_US
CAPACITY: Final = 200_000  # sightings; 30 MB at most. A site with more in five minutes sees a lower bound

WindowKey = int | bytes
"""A post_id (0 is the site), or a player's key."""


class ViewerWindow:
    """Exact while no more sightings than `capacity` fall into the window; beyond that the oldest second is removed.

    A viewer is the first 8 bytes of the viewer key as a number. Times are whole seconds: a viewer is removed at
    most one second late.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._last_seen: dict[WindowKey, dict[int, int]] = {}
        self._seconds: dict[int, list[tuple[WindowKey, int]]] = {}
        self._sightings = 0

    def see(self, key: WindowKey, viewer: int, second: int) -> None:
        """Note a sighting."""
        viewers = self._last_seen.get(key)
        if viewers is None:
            viewers = self._last_seen[key] = {}
        if viewers.get(viewer, -1) >= second:
            return
        viewers[viewer] = second
        self._seconds.setdefault(second, []).append((key, viewer))
        self._sightings += 1
        if self._sightings > self._capacity:
            self._forget(min(self._seconds))

    def expire(self, now_s: int) -> set[WindowKey]:
        """Remove the viewers that were not seen for five minutes. Return the keys whose count fell."""
        gone: set[WindowKey] = set()
        for second in [second for second in self._seconds if second <= now_s - SPAN_S]:
            gone |= self._forget(second)
        return gone

    def count(self, key: WindowKey) -> int:
        """Return how many viewers are here now, as of the last `expire`."""
        return len(self._last_seen.get(key, ()))

    def count_together(self, keys: Collection[WindowKey]) -> int:
        """Return how many viewers are at any of these keys; each counts once."""
        return len(set().union(*(self._last_seen[key] for key in keys if key in self._last_seen)))

    def _forget(self, second: int) -> set[WindowKey]:
        gone: set[WindowKey] = set()
        sightings = self._seconds.pop(second)
        self._sightings -= len(sightings)
        for key, viewer in sightings:
            viewers = self._last_seen.get(key)
            if viewers is None or viewers.get(viewer) != second:
                continue  # seen again later
            del viewers[viewer]
            gone.add(key)
            if not viewers:
                del self._last_seen[key]
        return gone
