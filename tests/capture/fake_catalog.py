"""A catalog in memory of what a test puts into it."""

from __future__ import annotations

from dataclasses import dataclass, field

from vts.model.content import Content, Player
from vts.model.reference import ReferenceKey, References

REFERENCES = References(ReferenceKey(b"a secret of the tests, 32 bytes long"[:32]))


@dataclass
class FakeCatalog:
    """Contents and players by their ids; texts have numbers while `references` are there."""

    players: dict[bytes, Player] = field(default_factory=dict)
    contents: dict[int, Content] = field(default_factory=dict)
    ready: bool = True
    references: References | None = field(default_factory=lambda: REFERENCES)

    def content(self, post_id: int) -> Content | None:
        return self.contents.get(post_id)

    def player(self, player_key: bytes) -> Player | None:
        return self.players.get(player_key)

    def player_with(self, credential_hash: bytes) -> bytes | None:
        return next((key for key, one in self.players.items() if one.credential_hash == credential_hash), None)

    def note_view(self, post_id: int) -> None:
        pass

    def register_provisional(self, post_id: int, now_us: int) -> bool:
        return True
