"""Whether this process led when it last ran: it then leads from the start when the database does not answer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec


class LeaderMemory(msgspec.Struct, frozen=True):
    """What a process keeps in its data folder: the database that it belongs to, and whether it led."""

    installation: bytes
    leading: bool


@dataclass(frozen=True, slots=True)
class LeaderMemoryFile:
    """The memory on disk. What cannot be read or written is forgotten: it only spares a wait for a dead database."""

    path: Path

    def read(self) -> LeaderMemory | None:
        """Return what was kept."""
        with suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(self.path.read_bytes(), type=LeaderMemory)
        return None

    def write(self, memory: LeaderMemory) -> None:
        """Keep it: whole or not at all."""
        part = self.path.with_name(self.path.name + ".part")
        with suppress(OSError):
            part.write_bytes(msgspec.json.encode(memory))
            part.replace(self.path)
