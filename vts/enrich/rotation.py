"""Keys of anonymous visitors that pass: one for a window of days, each the hash of the one before.

No key can be found from a later one. Where only the newest is kept, nobody can tell any more whom an older viewer key
stood for, or that two of them were the same visitor.
"""

from __future__ import annotations

import hmac
from typing import Final, NamedTuple

EPOCH_DAY: Final = 18_262  # 2020-01-01: processes that share a secret count from the same day, and so share every key
KEY_BYTES: Final = 32
FIRST_VERSION: Final = 2  # 1 is that of keys that never pass


class PassingKey(NamedTuple):
    """A key and the day from which it holds, in days since 1970."""

    day: int
    key: bytes

    @property
    def version(self) -> int:
        """What is stored beside viewer keys made with it."""
        return FIRST_VERSION + self.day - EPOCH_DAY


def first_key(secret: bytes) -> PassingKey:
    """Return the key of the epoch's day, of a secret that several processes share."""
    return PassingKey(EPOCH_DAY, hmac.digest(secret, b"visitors", "sha256"))


def advanced(key: PassingKey, today: int, window_days: int) -> PassingKey:
    """Return the key of the window that holds `today`; windows begin at days divisible by `window_days`.

    There is no way back: a clock that says an earlier day, or a longer window, leaves the key as it is.
    """
    begin = today - today % window_days
    secret = key.key
    for _ in range(begin - key.day):
        secret = hmac.digest(secret, b"the next day", "sha256")
    return PassingKey(max(begin, key.day), secret)
