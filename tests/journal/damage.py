"""Damage to a journal, by chance, and what may be lost by it: rows that touch damaged bytes, and nothing else."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from vts.journal.file import JournalFile
from vts.journal.format import PAGE_BYTES
from vts.journal.pages import Pages
from vts.model.view import ViewEvent


class TracedPages(Pages):
    """Says which bytes each cell was read from."""

    def __init__(self, file: bytes, log: bytes) -> None:
        super().__init__(file, log)
        self.touched: list[tuple[str, int]] = []

    def _page(self, number: int) -> bytes:
        at = self._latest.get(number)
        self.touched.append(("file", (number - 1) * PAGE_BYTES) if at is None else ("log", at))
        return super()._page(number)

    def places(self) -> Iterator[tuple[int, list[tuple[str, int]]]]:
        """Give the number of every row and where the pages begin that hold it."""
        for number in self._numbers:
            self.touched = []
            page = self._page(number)
            leaf = self.touched[-1]
            if not page or page[0] != 13:
                continue
            for place in range(int.from_bytes(page[3:5], "big")):
                at = int.from_bytes(page[8 + 2 * place : 10 + 2 * place], "big")
                self.touched = []
                cell = self._cell(page, at)
                if cell is not None and len(cell.columns) == 6:
                    yield cell.row_id, [leaf, *self.touched]


@dataclass
class Written:
    """A journal as it was before the damage: its rows, and where they lie."""

    path: Path
    rows: dict[int, list[ViewEvent]] = field(default_factory=dict)
    runs: dict[int, bytes] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.path.with_name(self.path.name + "-wal")

    def write(self, chance: random.Random, events: Callable[[], ViewEvent], commits: int, *, keep_log: bool) -> None:
        """Open the journal, commit groups of chance sizes, and leave it; with `keep_log` as `kill -9` would."""
        file = JournalFile(self.path, 2**30)
        run = chance.randbytes(16)
        file.open(run)
        for _ in range(commits):
            group = [events() for _ in range(chance.choice([1, 1, 1, 2, 5, 40, 120]))]
            written = file.append([group], 1_760_000_000_000_000, 0)
            for row, records in written.rows:
                self.rows[row.seq], self.runs[row.seq] = list(records), run  # type: ignore[arg-type]
        file.note_drained(0)
        if not keep_log:
            file.close()
            return
        image = [(path, path.read_bytes()) for path in (self.path, self.log)]
        file.close()
        for path, content in image:
            path.write_bytes(content)

    def places(self) -> dict[int, list[tuple[str, int]]]:
        return dict(TracedPages(self.path.read_bytes(), self.log.read_bytes() if self.log.exists() else b"").places())


@dataclass(frozen=True)
class Wound:
    """What was done, and how to tell whether a page that begins at (which, at) was hit."""

    name: str
    hits: Callable[[str, int], bool]


def _flip(chance: random.Random, which: str, path: Path) -> Wound:
    content = bytearray(path.read_bytes())
    spots = [chance.randrange(len(content)) for _ in range(chance.choice([1, 1, 1, 2, 8]))]
    for spot in spots:
        content[spot] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    return Wound(
        "flipped bits", lambda its, at: its == which and any(at - 24 <= spot < at + PAGE_BYTES for spot in spots)
    )


def _zero(chance: random.Random, which: str, path: Path) -> Wound:
    content = bytearray(path.read_bytes())
    start = chance.randrange(len(content)) // PAGE_BYTES * PAGE_BYTES
    end = min(len(content), start + PAGE_BYTES * chance.choice([1, 1, 2, 5]))
    content[start:end] = bytes(end - start)
    path.write_bytes(content)
    return Wound("zeroed pages", lambda its, at: its == which and at - 24 < end and at + PAGE_BYTES > start)


def _garbage(chance: random.Random, which: str, path: Path) -> Wound:
    content = bytearray(path.read_bytes())
    start = chance.randrange(len(content))
    end = min(len(content), start + chance.randrange(1, 3 * PAGE_BYTES))
    content[start:end] = chance.randbytes(end - start)
    path.write_bytes(content)
    return Wound("garbage", lambda its, at: its == which and at - 24 < end and at + PAGE_BYTES > start)


def _swap(chance: random.Random, which: str, path: Path) -> Wound:
    """Two pages change places: what chains to them is lost, what lies on them whole is not."""
    content = bytearray(path.read_bytes())
    pages = len(content) // PAGE_BYTES
    one, other = (chance.randrange(pages) * PAGE_BYTES for _ in range(2))
    first, second = content[one : one + PAGE_BYTES], content[other : other + PAGE_BYTES]
    content[one : one + PAGE_BYTES], content[other : other + PAGE_BYTES] = second, first
    path.write_bytes(content)
    if one == other:
        return Wound("nothing", lambda its, at: False)
    spots = (one, other)
    return Wound(
        "swapped pages",
        lambda its, at: its == which and any(at - 24 < spot + PAGE_BYTES and at + PAGE_BYTES > spot for spot in spots),
    )


def _cut(chance: random.Random, which: str, path: Path) -> Wound:
    size = chance.randrange(path.stat().st_size)
    with path.open("r+b") as file:
        file.truncate(size)
    return Wound("cut off", lambda its, at: its == which and at + PAGE_BYTES > size)


WOUNDS: Sequence[Callable[[random.Random, str, Path], Wound]] = (_flip, _flip, _zero, _garbage, _swap, _cut)


def wound(chance: random.Random, written: Written) -> Wound:
    """Damage the file or its log."""
    parts = [("file", written.path)]
    if written.log.exists() and written.log.stat().st_size:
        parts.append(("log", written.log))
    which, path = chance.choice(parts)
    done = chance.choice(WOUNDS)(chance, which, path)
    return Wound(f"{done.name} in the {which}", done.hits)


def copy_journal(path: Path, folder: Path) -> Path:
    """Copy what belongs to a journal, as `cp -r` of its folder would: new files."""
    folder.mkdir(parents=True)
    for part in path.parent.glob(f"{path.stem}.*"):
        if part.is_file():
            shutil.copy(part, folder / part.name)
    return folder / path.name


def put_back(older: Path, path: Path) -> None:
    """Put an older copy into the place of a journal, its log and shared memory included; the mark stays."""
    for name in ("-wal", "-shm"):
        there, here = older.with_name(older.name + name), path.with_name(path.name + name)
        here.unlink(missing_ok=True)
        if there.exists() and name == "-wal":
            shutil.copy(there, here)
    with closing(path.open("r+b")) as file:  # in place: the same inode
        file.truncate(0)
        file.write(older.read_bytes())


def same(one: ViewEvent, other: ViewEvent) -> bool:
    return msgspec.structs.asdict(one) == msgspec.structs.asdict(other)
