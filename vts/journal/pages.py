"""Rows out of the pages of a damaged SQLite file, without SQLite: also those that its trees no longer lead to.

The format is documented (sqlite.org/fileformat2.html): sections 1.6 (b-tree pages), 2.1 (records), 4.1 (the write-ahead
log). Every leaf page of a table begins with 13 and holds cells of (payload size, row id, payload), a long payload goes
on in a chain of overflow pages. Its digest decides whether what is found is a row that was written.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from vts.journal.format import PAGE_BYTES

_LEAF: Final = 13
_LOCAL_MAX: Final = PAGE_BYTES - 35  # of a payload, on the leaf itself
_LOCAL_MIN: Final = (PAGE_BYTES - 12) * 32 // 255 - 23
_CHAIN: Final = PAGE_BYTES - 4  # of a payload, on each overflow page
_PAYLOAD_MAX: Final = 2**28  # no row of ours comes near: a larger number is damage
_WAL_HEADER: Final = 32
_FRAME: Final = 24
_INT_BYTES: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}

Columns = list[object]


class Cell(NamedTuple):
    """A row id and the columns of a record behind it: integers, bytes, or None."""

    row_id: int
    columns: Columns


class Frame(NamedTuple):
    """A page in the write-ahead log: its number, where its bytes begin, and whether a commit ends with it."""

    page: int
    at: int
    commits: bool


def frames(log: bytes) -> list[Frame]:
    """Return the frames of the log's current generation, in order; those behind a damaged one, too.

    A log is begun anew with other salts, so what carries other salts is older and lies in the file already. When the
    header's salts fit no frame, those of the first frame count, and those of most frames when it stands alone.
    """
    found = []
    for start in range(_WAL_HEADER, len(log) - _FRAME - PAGE_BYTES + 1, _FRAME + PAGE_BYTES):
        page, size = struct.unpack_from(">II", log, start)
        salt = bytes(log[start + 8 : start + 16])
        found.append((salt, Frame(page, start + _FRAME, size > 0)))
    salts = Counter(salt for salt, _ in found if any(salt))
    wanted = bytes(log[16:24])
    if salts and not salts[wanted]:
        first = found[0][0]
        wanted = first if salts[first] > 1 else salts.most_common(1)[0][0]
    return [frame for salt, frame in found if salt == wanted]


class Pages:
    """The pages of a file, each as the log has it last, else as the file has it."""

    def __init__(self, file: bytes | memoryview, log: bytes) -> None:
        self._file = file
        self._log = log
        self._latest = {frame.page: frame.at for frame in frames(log)}
        in_file = len(file) // PAGE_BYTES
        self._numbers = [*range(2, in_file + 1), *sorted(page for page in self._latest if page > in_file)]

    def cells(self) -> Iterator[Cell]:
        """Give what every leaf of a table holds, in the order of the pages."""
        for number in self._numbers:
            page = self._page(number)
            if page and page[0] == _LEAF:
                yield from self._leaf(page)

    def _page(self, number: int) -> bytes:
        at = self._latest.get(number)
        if at is not None:
            return self._log[at : at + PAGE_BYTES]
        start = (number - 1) * PAGE_BYTES
        page = bytes(self._file[start : start + PAGE_BYTES])
        return page if len(page) == PAGE_BYTES else b""

    def _leaf(self, page: bytes) -> Iterator[Cell]:
        (count,) = struct.unpack_from(">H", page, 3)
        for place in range(min(count, (PAGE_BYTES - 8) // 2)):
            (at,) = struct.unpack_from(">H", page, 8 + 2 * place)
            try:
                cell = self._cell(page, at)
            except (IndexError, struct.error):
                continue  # it points beyond its page: damage
            if cell is not None:
                yield cell

    def _cell(self, page: bytes, at: int) -> Cell | None:
        size, at = _varint(page, at)
        row_id, at = _varint(page, at)
        if size > _PAYLOAD_MAX:
            return None
        payload = self._payload(page, at, size)
        return None if payload is None else Cell(row_id, _columns(payload))

    def _payload(self, page: bytes, at: int, size: int) -> bytes | None:
        if size <= _LOCAL_MAX:
            return page[at : at + size]
        local = _LOCAL_MIN + (size - _LOCAL_MIN) % _CHAIN
        local = local if local <= _LOCAL_MAX else _LOCAL_MIN
        parts = [page[at : at + local]]
        (number,) = struct.unpack_from(">I", page, at + local)
        missing = size - local
        while missing > 0:
            chained = self._page(number) if number > 1 else b""
            if not chained:
                return None
            parts.append(chained[4 : 4 + missing])
            missing -= _CHAIN
            (number,) = struct.unpack_from(">I", chained)
        return b"".join(parts)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for step in range(8):
        byte = data[at + step]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + step + 1
    return value << 8 | data[at + 8], at + 9


def _columns(payload: bytes) -> Columns:
    """Return the columns of a record. Raises IndexError for what is none."""
    header, at = _varint(payload, 0)
    kinds = []
    while at < header:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    at = header
    columns: Columns = []
    for kind in kinds:
        value, at = _value(payload, kind, at)
        columns.append(value)
    if at > len(payload):
        raise IndexError("the record is longer than its payload")
    return columns


def _value(payload: bytes, kind: int, at: int) -> tuple[object, int]:
    if kind in _INT_BYTES:
        size = _INT_BYTES[kind]
        return int.from_bytes(payload[at : at + size], "big", signed=True), at + size
    if kind >= 12:  # even: bytes, odd: text, which no row of ours has
        size = (kind - 12) // 2
        return payload[at : at + size], at + size
    return {8: 0, 9: 1}.get(kind), at
