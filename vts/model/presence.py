"""What players show of themselves: what their status messages say, and when they were last heard of. Pure.

Changes are collected here between two writes to the database: one entry a player, however many messages it sends.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A status message that was checked. A field that it does not name keeps what an earlier message said."""

    online: bool
    post_id: int | UnsetType | None = UNSET
    firmware: str | UnsetType | None = UNSET


class Change(msgspec.Struct, gc=False):
    """What one player has shown since the last write. Times are microseconds since 1970 of the receipt, 0 for none.

    A *sign* is anything that comes from the player. An *act* is a view or a status that is not offline: only that ends
    an announced absence. `first_us` is the first sign, `back_us` the first act after the last announcement.
    """

    first_us: int = 0
    seen_us: int = 0
    active_us: int = 0
    back_us: int = 0
    offline_us: int = 0
    view_us: int = 0
    status_us: int = 0
    post_id: int | UnsetType | None = UNSET
    firmware: str | UnsetType | None = UNSET

    def sign(self, now_us: int) -> None:
        """Note a sign."""
        if not self.first_us:
            self.first_us = now_us
        self.seen_us = max(self.seen_us, now_us)

    def act(self, now_us: int) -> None:
        """Note an act. One of the microsecond of an announcement came after it: messages are taken in order."""
        self.sign(now_us)
        if self.back_us <= self.offline_us:
            self.back_us = max(now_us, self.offline_us + 1)
        self.active_us = max(self.active_us, now_us, self.back_us)

    def say(self, status: Status, now_us: int) -> None:
        """Note a status message. `offline` is no sign: a broker announces it for a player that it has lost."""
        if status.online:
            self.act(now_us)
        else:
            self.offline_us = max(self.offline_us, self.active_us, now_us)
        self.status_us = max(self.status_us, now_us)
        if status.post_id is not UNSET:
            self.post_id = status.post_id
        if status.firmware is not UNSET:
            self.firmware = status.firmware

    def then(self, later: Change) -> Change:
        """Return this change and a later one of the same player together."""
        is_back = self.back_us > max(self.offline_us, later.offline_us)
        return Change(
            first_us=self.first_us or later.first_us,
            seen_us=max(self.seen_us, later.seen_us),
            active_us=max(self.active_us, later.active_us),
            back_us=self.back_us if is_back else later.back_us or self.back_us,
            offline_us=max(self.offline_us, later.offline_us),
            view_us=max(self.view_us, later.view_us),
            status_us=max(self.status_us, later.status_us),
            post_id=self.post_id if later.post_id is UNSET else later.post_id,
            firmware=self.firmware if later.firmware is UNSET else later.firmware,
        )


class Presence:
    """The changes of all players since the last write. Called for registered players only, so their number bounds it.

    Every method is synchronous, and none waits for the database.
    """

    __slots__ = ("_changes",)

    def __init__(self) -> None:
        self._changes: dict[bytes, Change] = {}

    def __len__(self) -> int:
        return len(self._changes)

    def said(self, player_key: bytes, status: Status, now_us: int) -> None:
        """Note a status message."""
        self._of(player_key).say(status, now_us)

    def viewed(self, player_key: bytes, now_us: int) -> None:
        """Note a view that was accepted."""
        change = self._changes.get(player_key)
        if change is None or not change.offline_us < change.active_us <= now_us >= change.seen_us:
            change = self._of(player_key)
            change.act(now_us)
            change.view_us = max(change.view_us, now_us)
        else:  # of almost every view, and the same: nothing was announced and the clock did not go back
            change.seen_us = change.active_us = change.view_us = now_us

    def alive(self, player_key: bytes, now_us: int) -> None:
        """Note a sign that is neither: the player's connection says that it is there."""
        self._of(player_key).sign(now_us)

    def take(self) -> dict[bytes, Change]:
        """Return all changes; they are forgotten here."""
        changes, self._changes = self._changes, {}
        return changes

    def put_back(self, changes: dict[bytes, Change]) -> None:
        """Take changes in again that could not be written. What came since is later."""
        for player_key, change in changes.items():
            later = self._changes.get(player_key)
            self._changes[player_key] = change if later is None else change.then(later)

    def _of(self, player_key: bytes) -> Change:
        change = self._changes.get(player_key)
        if change is None:
            change = self._changes[player_key] = Change()
        return change
