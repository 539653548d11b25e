"""Contents and players, for the gate: two tables in memory, constant time to look up.

A content is one integer: owner in the high bits, flags in the low ones. Measured (resident memory, Python 3.11):
1,000,000 contents 106 MB, 100,000 players with names and credentials 42 MB.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vts.model.content import KINDS, Content, Player
from vts.model.day import DAY_US
from vts.model.reference import ReferenceKey, References

PROVISIONAL_US: Final = DAY_US  # a content that is neither registered nor stored is forgotten after that
PROVISIONAL_MAX: Final = 100_000
LEVELS: Final = 4  # of views by which provisional contents are ranked: four viewers are no accident
UNPACKED_MAX: Final = 4_096  # contents ready to be handed out, 100 bytes each: one for an owner and its flags

AMBIGUOUS: Final = b""  # in the place of a key: a credential that was given to several players

_PRIVATE: Final = 1
_DELETED: Final = 2
_PROVISIONAL: Final = 4
_OWNED: Final = 8
_KIND_SHIFT: Final = 4
_OWNER_SHIFT: Final = 8
_KIND_OF: Final = (None, *KINDS)


class _Provisional:
    """The provisional contents by how often they were viewed here: once, twice, … `LEVELS` times or more."""

    __slots__ = ("_level_of", "_levels")

    def __init__(self) -> None:
        self._level_of: dict[int, int] = {}
        self._levels: tuple[dict[int, None], ...] = tuple({} for _ in range(LEVELS))  # the longest there first

    def add(self, post_id: int) -> None:
        """Take a content in as viewed once, unless it is there."""
        if post_id not in self._level_of:
            self._level_of[post_id] = 0
            self._levels[0][post_id] = None

    def view(self, post_id: int) -> None:
        """Raise a content by a level, if it is there and has not reached the last."""
        level = self._level_of.get(post_id, LEVELS)
        if level + 1 < LEVELS:
            del self._levels[level][post_id]
            self._level_of[post_id] = level + 1
            self._levels[level + 1][post_id] = None

    def remove(self, post_id: int) -> None:
        """Let a content go."""
        del self._levels[self._level_of.pop(post_id)][post_id]

    def least(self) -> int | None:
        """Return the one that was viewed least, of several the one that has been so for longest."""
        return next((next(iter(level)) for level in self._levels if level), None)

    def __len__(self) -> int:
        return len(self._level_of)


class MemoryCatalog:
    """The tables. Changed by the catalog's actor and by the gate's first sights, never across an await.

    A provisional content is either *sighted*, known to this process alone, or stored: then the store, which sees the
    viewers of all processes, decides after a day whether a second one came, and its removal arrives as a change.
    """

    def __init__(self, provisional_max: int = PROVISIONAL_MAX) -> None:
        self._contents: dict[int, int] = {}
        self._players: dict[bytes, Player] = {}
        self._player_with: dict[bytes, bytes] = {}  # hash of a credential → key, AMBIGUOUS when several players have it
        self._sighted: dict[int, int] = {}  # post → when, oldest first
        self._provisional = _Provisional()
        self._provisional_max = provisional_max
        self._unpacked: dict[int, Content] = {}
        self.revision = -1
        self.references: References | None = None
        """Gives texts their numbers; None until a catalog that has the key was loaded."""

    @property
    def ready(self) -> bool:
        """Whether any catalog, even an empty one, has ever been loaded."""
        return self.revision >= 0

    def content(self, post_id: int) -> Content | None:
        """Return what is known of a content."""
        packed = self._contents.get(post_id)
        if packed is None:
            return None
        known = self._unpacked.get(packed)
        return self._unpack(packed) if known is None else known

    def player(self, player_key: bytes) -> Player | None:
        """Return what is known of a player."""
        return self._players.get(player_key)

    def player_with(self, credential_hash: bytes) -> bytes | None:
        """Return the key of the only player that has a credential, None when there is none or several have it."""
        return self._player_with.get(credential_hash) or None

    def register_provisional(self, post_id: int, now_us: int) -> bool:
        """Note a content at its first sight, in the place of the least viewed one when there are too many.

        False when there is no place at all. What was evicted is unknown until it is viewed again; its counts stay.
        """
        if len(self._provisional) >= self._provisional_max:
            self.forget(now_us)
        while len(self._provisional) >= self._provisional_max:
            least = self._provisional.least()
            if least is None:
                return False
            self._sighted.pop(least, None)
            self._drop(least)
        self._put(post_id, _PROVISIONAL)
        self._sighted[post_id] = now_us
        return True

    def note_view(self, post_id: int) -> None:
        """Note that a provisional content was viewed again: others are evicted before it."""
        self._provisional.view(post_id)

    def use_reference_key(self, key: bytes | None) -> None:
        """Take the key of the installation's references, unless the source had none."""
        if key is not None:
            self.references = References(ReferenceKey(key))

    def put_content(self, post_id: int, content: Content | None) -> None:
        """Take in one content as the store has it, or its removal."""
        if self._sighted:
            self._sighted.pop(post_id, None)
        if content is None:
            self._drop(post_id)
        else:
            self._put(post_id, pack(content))

    def put_player(self, player_key: bytes, player: Player | None) -> None:
        """Take in one player, or its removal."""
        before = self._players.get(player_key)
        if before is not None and self._player_with.get(before.credential_hash or b"") == player_key:
            del self._player_with[before.credential_hash or b""]
        if player is None:
            self._players.pop(player_key, None)
            return
        self._players[player_key] = player
        if player.credential_hash is not None:
            other = self._player_with.setdefault(player.credential_hash, player_key)
            if other != player_key:
                self._player_with[player.credential_hash] = AMBIGUOUS

    def apply(
        self, contents: Iterable[tuple[int, Content | None]], players: Iterable[tuple[bytes, Player | None]]
    ) -> None:
        """Take in a bite of changes; the revision is the caller's to set when all bites are in."""
        for post_id, content in contents:
            self.put_content(post_id, content)
        for player_key, player in players:
            self.put_player(player_key, player)

    def replace(self, whole: MemoryCatalog) -> None:
        """Become another catalog in one step, so that no look-up finds an empty one; what is sighted stays.

        `whole` gets the tables that were here: their owner may take them down piece by piece (`shrink`).
        """
        for post_id, seen_us in self._sighted.items():
            if post_id not in whole._contents:
                whole._put(post_id, _PROVISIONAL)
                whole._sighted[post_id] = seen_us
        self._contents, whole._contents = whole._contents, self._contents
        self._players, whole._players = whole._players, self._players
        self._player_with, whole._player_with = whole._player_with, self._player_with
        self._sighted, whole._sighted = whole._sighted, {}
        self._provisional, whole._provisional = whole._provisional, _Provisional()

    def shrink(self, most: int) -> bool:
        """Take down a catalog that is not used any more, `most` entries of it. False when nothing is left.

        Freeing a million entries at once holds the interpreter for longer than any request should wait.
        """
        for _ in range(min(most, len(self._contents))):
            self._contents.popitem()
        for _ in range(min(most, len(self._players))):
            self._players.popitem()
        for _ in range(min(most, len(self._player_with))):
            self._player_with.popitem()
        return bool(self._contents or self._players or self._player_with)

    def forget(self, now_us: int) -> list[int]:
        """Drop sighted contents whose day is over; return their ids."""
        gone = []
        for post_id, seen_us in self._sighted.items():
            if seen_us > now_us - PROVISIONAL_US:
                break
            gone.append(post_id)
        for post_id in gone:
            del self._sighted[post_id]
            self._drop(post_id)
        return gone

    def sizes(self) -> dict[str, int]:
        """Return how many entries each table has."""
        return {"contents": len(self._contents), "players": len(self._players), "provisional": len(self._provisional)}

    def _put(self, post_id: int, packed: int) -> None:
        if packed & _PROVISIONAL:
            self._provisional.add(post_id)
        elif self._contents.get(post_id, 0) & _PROVISIONAL:
            self._provisional.remove(post_id)
        self._contents[post_id] = packed

    def _drop(self, post_id: int) -> None:
        before = self._contents.pop(post_id, 0)
        if before & _PROVISIONAL:
            self._provisional.remove(post_id)

    def _unpack(self, packed: int) -> Content:
        if len(self._unpacked) >= UNPACKED_MAX:
            self._unpacked.clear()
        content = self._unpacked[packed] = unpack(packed)
        return content


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
