"""Which key anonymous visitors have in a window of days: each is the hash of the one before.

No key can be found from a later one. Where only the newest is kept, it cannot be found out any more which visitor an
older viewer key stood for, or that two of them were the same visitor.
"""

from __future__ import annotations

import hmac
from typing import Final, NamedTuple

EPOCH_DAY: Final = 18_262  # 2020-01-01: processes that share a secret count from the same day, and so share every key
KEY_BYTES: Final = 32
FIRST_VERSION: Final = 2  # 1 is that of keys that never rotate


class RotatingKey(NamedTuple):
    """A key and the day from which it holds, in days since 1970."""

    day: int
    key: bytes

    @property
    def version(self) -> int:
        """What is stored beside viewer keys made with it."""
        return FIRST_VERSION + self.day - EPOCH_DAY


def first_key(secret: bytes) -> RotatingKey:
    """Return the key of the epoch's day, of a secret that several processes share."""
    return RotatingKey(EPOCH_DAY, hmac.digest(secret, b"visitors", "sha256"))


def advanced(key: RotatingKey, today: int, window_days: int) -> RotatingKey:
    """Return the key of the window that holds `today`; windows begin at days divisible by `window_days`.

    It never goes back: an earlier day of the clock, or a longer window, leaves the key as it is.
    """
    begin = today - today % window_days
    secret = key.key
    for _ in range(begin - key.day):
        secret = hmac.digest(secret, b"the next day", "sha256")
    return RotatingKey(max(begin, key.day), secret)
