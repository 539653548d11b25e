"""What the gate knows of contents and players: two tables in memory, constant time to ask.

A content is one small integer, so a million of them take about 100 MB: owner in the high bits, flags in the low ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vts.model.content import KINDS, Content, Player
from vts.model.day import DAY_US

PROVISIONAL_US: Final = DAY_US  # a content that nobody registers and only one viewer saw is forgotten after that
PROVISIONAL_MAX: Final = 100_000

_PRIVATE: Final = 1
_DELETED: Final = 2
_PROVISIONAL: Final = 4
_OWNED: Final = 8
_KIND_SHIFT: Final = 4
_OWNER_SHIFT: Final = 8
_KIND_OF: Final = (None, *KINDS)


class MemoryCatalog:
    """The tables. Changed by the catalog's actor and by the API's writes, asked by the gate; never across an await."""

    def __init__(self, provisional_max: int = PROVISIONAL_MAX) -> None:
        self._contents: dict[int, int] = {}
        self._players: dict[bytes, Player] = {}
        self._provisional: dict[int, int] = {}
        self._provisional_max = provisional_max
        self.revision = -1

    @property
    def ready(self) -> bool:
        """Whether any catalog, even an empty one, has ever been loaded."""
        return self.revision >= 0

    def content(self, post_id: int) -> Content | None:
        """Return what is known of a content."""
        packed = self._contents.get(post_id)
        return None if packed is None else unpack(packed)

    def player(self, player_key: bytes) -> Player | None:
        """Return what is known of a player."""
        return self._players.get(player_key)

    def register_provisional(self, post_id: int, now_us: int) -> bool:
        """Note a content at its first sight. False when too many are provisional already."""
        if len(self._provisional) >= self._provisional_max:
            self._forget_oldest(now_us)
            if len(self._provisional) >= self._provisional_max:
                return False
        self._contents[post_id] = pack(Content(None, None, False, False, True))
        self._provisional[post_id] = now_us
        return True

    def put_content(self, post_id: int, content: Content | None) -> None:
        """Take in one content, or its removal."""
        self._provisional.pop(post_id, None)
        if content is None:
            self._contents.pop(post_id, None)
        else:
            self._contents[post_id] = pack(content)

    def put_player(self, player_key: bytes, player: Player | None) -> None:
        """Take in one player, or its removal."""
        if player is None:
            self._players.pop(player_key, None)
        else:
            self._players[player_key] = player

    def apply(
        self, contents: Iterable[tuple[int, Content | None]], players: Iterable[tuple[bytes, Player | None]]
    ) -> None:
        """Take in a bite of changes; the revision is the caller's to set when all bites are in."""
        for post_id, content in contents:
            self.put_content(post_id, content)
        for player_key, player in players:
            self.put_player(player_key, player)

    def replace(self, whole: MemoryCatalog) -> None:
        """Become another catalog in one step, so that nobody ever asks an empty one; what is provisional stays."""
        for post_id, seen_us in self._provisional.items():
            if post_id not in whole._contents:
                whole._contents[post_id] = self._contents[post_id]
                whole._provisional[post_id] = seen_us
        self._contents, self._players, self._provisional = whole._contents, whole._players, whole._provisional

    def forget(self, now_us: int) -> list[int]:
        """Drop provisional contents whose day is over; return their ids."""
        gone = []
        while (post_id := self._forget_oldest(now_us)) is not None:
            gone.append(post_id)
        return gone

    def sizes(self) -> dict[str, int]:
        """Return how many entries each table has."""
        return {"contents": len(self._contents), "players": len(self._players), "provisional": len(self._provisional)}

    def _forget_oldest(self, now_us: int) -> int | None:
        oldest = next(iter(self._provisional), None)
        if oldest is None or self._provisional[oldest] > now_us - PROVISIONAL_US:
            return None
        del self._provisional[oldest]
        self._contents.pop(oldest, None)
        return oldest


def pack(content: Content) -> int:
    """Return a content as one integer."""
    packed = (
        (_PRIVATE if content.private else 0)
        | (_DELETED if content.deleted else 0)
        | (_PROVISIONAL if content.provisional else 0)
        | (_KIND_OF.index(content.kind) << _KIND_SHIFT)
    )
    return packed if content.owner_id is None else packed | _OWNED | (content.owner_id << _OWNER_SHIFT)


def unpack(packed: int) -> Content:
    """Return the content of an integer."""
    return Content(
        packed >> _OWNER_SHIFT if packed & _OWNED else None,
        _KIND_OF[packed >> _KIND_SHIFT & 0xF],
        bool(packed & _PRIVATE),
        bool(packed & _DELETED),
        bool(packed & _PROVISIONAL),
    )
