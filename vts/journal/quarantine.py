"""What the journal could not keep, in a file beside it: one line of JSON for each damaged row and each lost range.

A line is {"found_at", "first", "last", "reason", "body"}: the time in seconds since the epoch, the numbers of the rows,
and what is left of a damaged row in base64. `vts journal check` shows them, `vts journal discard` removes them.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from vts.journal.format import Lost


class QuarantineLine(msgspec.Struct, frozen=True):
    """One entry of the file."""

    found_at: float
    first: int
    last: int
    reason: str
    body: str = ""


_decoder = msgspec.json.Decoder(QuarantineLine)


class Quarantine:
    """The file. Blocking. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, lost: Sequence[Lost], now_s: float) -> None:
        """Append entries; they are on disk when this returns."""
        if not lost:
            return
        lines = [
            QuarantineLine(now_s, one.first, one.last, one.reason, base64.b64encode(one.body).decode()) for one in lost
        ]
        file = os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        try:
            os.write(file, b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
            os.fsync(file)
        finally:
            os.close(file)

    def lines(self) -> list[QuarantineLine]:
        """Return the entries, each once; a line that cannot be read is left out."""
        if not self.path.exists():
            return []
        found: dict[tuple[int, int, str], QuarantineLine] = {}
        for text in self.path.read_bytes().splitlines():
            with suppress(msgspec.DecodeError):
                line = _decoder.decode(text)
                found[line.first, line.last, line.body] = line
        return list(found.values())

    def discard(self) -> int:
        """Remove every entry, and the damaged files kept beside it; returns how many entries there were."""
        count = len(self.lines())
        self.path.unlink(missing_ok=True)
        for kept in self.damaged_files():
            kept.unlink(missing_ok=True)
        return count

    def forget_bodies(self) -> None:
        """Keep the numbers and reasons only: what is left of damaged rows may be about an erased person."""
        lines = self.lines()
        for kept in self.damaged_files():
            kept.unlink(missing_ok=True)
        if any(line.body for line in lines):
            self.path.unlink()
            self.add([Lost(line.first, line.last, line.reason) for line in lines], lines[0].found_at)

    def damaged_files(self) -> list[Path]:
        """Return the files that were replaced because they were damaged, the oldest first."""
        return sorted(self.path.parent.glob(f"{self.path.stem}.damaged-*"))
