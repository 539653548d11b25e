"""Bounded tables of what was seen lately, and the limits that are kept in them. Pure.

All of them forget whole generations at once. A dict that drops its oldest entry at every insertion has to step over the
holes of all that it dropped before; two dicts, of which the older is thrown away when the younger is full, have none.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from vts.model.day import MINUTE_US

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most `most` entries; every one of the youngest `most` / 2 is there. Values are never None."""

    __slots__ = ("_half", "_old", "_rotated_us", "_young")

    def __init__(self, most: int) -> None:
        self._half = max(1, most // 2)
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._rotated_us = 0

    def get(self, key: K) -> V | None:
        """Return what is kept under a key."""
        value = self._young.get(key)
        return self._old.get(key) if value is None else value

    def put(self, key: K, value: V) -> None:
        """Keep a value as the youngest."""
        self._young[key] = value
        if len(self._young) >= self._half:
            self._rotate()

    def forget_after(self, age_us: int, now_us: int) -> None:
        """Forget what was last put in more than `age_us` ago, at the latest after twice that. Cheap: call it often."""
        if not 0 <= now_us - self._rotated_us < age_us:
            self._rotated_us = now_us
            self._rotate()

    def _rotate(self) -> None:
        self._old, self._young = self._young, {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)


class Buckets:
    """One token bucket per key, kept as one time: when the bucket will be full again.

    That is the generic cell rate algorithm (ITU-T I.371, virtual scheduling). `per_minute` 0 means no limit.
    """

    __slots__ = ("_due", "_room_us", "_spacing_us")

    def __init__(self, per_minute: int, burst: int, most: int) -> None:
        self._spacing_us = MINUTE_US // per_minute if per_minute else 0
        self._room_us = self._spacing_us * (max(1, burst) - 1)
        self._due: Recent[bytes, int] = Recent(most)

    def take(self, key: bytes, now_us: int) -> int:
        """Take a token and return 0, or return how many microseconds it takes until there is one."""
        if not self._spacing_us:
            return 0
        due_us = self._due.get(key)
        if due_us is None or due_us < now_us:
            due_us = now_us
        wait_us = due_us - now_us - self._room_us
        if wait_us > self._spacing_us:  # no bucket is that empty: our own clock was set back
            due_us = now_us
        elif wait_us > 0:
            return wait_us
        self._due.put(key, due_us + self._spacing_us)
        return 0

    def give_back(self, key: bytes) -> None:
        """Put a token back."""
        due_us = self._due.get(key)
        if due_us is not None:
            self._due.put(key, due_us - self._spacing_us)

    def age(self, now_us: int) -> None:
        """Forget buckets that must be full by now."""
        self._due.forget_after(self._room_us + self._spacing_us, now_us)

    def __len__(self) -> int:
        return len(self._due)


class Windows:
    """At most `per_minute` uses per key in a minute that begins with its first use. 0 means no limit."""

    __slots__ = ("_per_minute", "_used")

    def __init__(self, per_minute: int, most: int) -> None:
        self._per_minute = per_minute
        self._used: Recent[bytes, tuple[int, int]] = Recent(most)

    def wait_us(self, key: bytes, now_us: int) -> int:
        """Return how long until there is room, 0 when there is."""
        start_us, used = self._window(key, now_us)
        return start_us + MINUTE_US - now_us if used >= self._per_minute > 0 else 0

    def use(self, key: bytes, now_us: int) -> None:
        """Use one."""
        if self._per_minute:
            start_us, used = self._window(key, now_us)
            self._used.put(key, (start_us, used + 1))

    def give_back(self, key: bytes) -> None:
        """Give one back, as long as its minute is remembered."""
        window = self._used.get(key)
        if window is not None:
            self._used.put(key, (window[0], max(0, window[1] - 1)))

    def age(self, now_us: int) -> None:
        """Forget minutes that are over."""
        self._used.forget_after(MINUTE_US, now_us)

    def _window(self, key: bytes, now_us: int) -> tuple[int, int]:
        window = self._used.get(key)
        return window if window is not None and is_open(window[0], now_us) else (now_us, 0)


def is_open(start_us: int, now_us: int) -> bool:
    """Whether the minute that began at a time still runs. A start in the future is from before our clock was set."""
    return 0 <= now_us - start_us < MINUTE_US


PLAYERS_MAX: Final = 400_000  # four times the players of a large installation: 100 MB
VIEWERS_MAX: Final = 200_000  # anonymous viewers within two minutes: 30 MB
PROVISIONAL_PAYERS_MAX: Final = 100_000
