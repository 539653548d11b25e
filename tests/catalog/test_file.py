"""The copy beside the journal: what was saved is loaded, private, and what is damaged costs nothing but the copy."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from vts.catalog.file import BITE, CatalogFile
from vts.catalog.memory import MemoryCatalog
from vts.model.content import Change, Content, Player
from vts.model.reference import ReferenceKey, References

ARTWORK = Content(2**63 - 1, "stream", True, False, False)
BLOG = Content(None, None, False, True, True)
KEY, OTHER = b"P" * 16, b"O" * 16
PLAYER = Player(7, True, "BR", b"h" * 32, "Küche")


def nothing() -> None:
    pass


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite"


def load(path: Path) -> MemoryCatalog | None:
    memory = MemoryCatalog()
    return memory if CatalogFile(path).load_into(memory, nothing) else None


def save(path: Path, *changes: Change) -> None:
    file = CatalogFile(path)
    for change in changes:
        file.save(change, nothing)


def test_what_was_saved_is_loaded(path: Path) -> None:
    save(path, Change(3, [(1, ARTWORK), (2**63 - 1, BLOG)], [(KEY, PLAYER)], whole=True))
    memory = load(path)
    assert memory is not None
    assert (memory.content(1), memory.content(2**63 - 1), memory.player(KEY)) == (ARTWORK, BLOG, PLAYER)
    assert (memory.revision, memory.ready) == (3, True)


def test_the_key_of_references_is_kept_beside_the_journal(path: Path) -> None:
    save(path, Change(1, [], [], whole=True, reference_key=b"k" * 32), Change(2, [(1, ARTWORK)], []))
    memory = load(path)
    assert memory is not None and memory.references is not None
    assert memory.references.content("blog:1") == References(ReferenceKey(b"k" * 32)).content("blog:1")


def test_a_copy_of_a_version_without_references_is_read(path: Path) -> None:
    save(path, Change(3, [(1, ARTWORK)], [(KEY, PLAYER)], whole=True))
    memory = load(path)
    assert memory is not None and memory.ready and memory.references is None
    save(path, Change(4, [], [], reference_key=b"k" * 32))
    memory = load(path)
    assert memory is not None and memory.content(1) == ARTWORK and memory.references is not None


def test_it_is_for_its_owner_only(path: Path) -> None:
    save(path, Change(1, [], []))
    assert [stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()] == [0o600]


def test_changes_follow_in_their_order(path: Path) -> None:
    save(
        path,
        Change(1, [(1, ARTWORK), (2, BLOG)], [(KEY, PLAYER), (OTHER, PLAYER)], whole=True),
        Change(2, [(1, None), (2, None), (2, ARTWORK)], [(KEY, None), (OTHER, None), (OTHER, PLAYER)]),
    )
    memory = load(path)
    assert memory is not None
    assert [memory.content(1), memory.content(2)] == [None, ARTWORK]
    assert [memory.player(KEY), memory.player(OTHER)] == [None, PLAYER]
    assert memory.revision == 2


def test_a_whole_catalog_replaces_all(path: Path) -> None:
    save(path, Change(9, [(1, ARTWORK)], [(KEY, PLAYER)]), Change(2, [(5, BLOG)], [], whole=True))
    memory = load(path)
    assert memory is not None
    assert memory.sizes() == {"contents": 1, "players": 0, "provisional": 1}
    assert memory.revision == 2


def test_without_a_copy_there_is_nothing(path: Path) -> None:
    assert load(path) is None
    assert not path.exists()


def test_an_empty_catalog_is_a_catalog(path: Path) -> None:
    save(path, Change(0, [], [], whole=True))
    memory = load(path)
    assert memory is not None and memory.ready


@pytest.mark.parametrize("damage", [b"not a database at all, not by far" * 200, b""])
def test_a_damaged_copy_is_made_anew(path: Path, damage: bytes) -> None:
    save(path, Change(1, [(1, ARTWORK)], [], whole=True))
    path.write_bytes(damage)
    assert load(path) is None
    save(path, Change(2, [(2, ARTWORK)], [], whole=True))
    memory = load(path)
    assert memory is not None and memory.content(2) == ARTWORK


def test_a_row_that_cannot_be_read_spoils_the_copy_and_not_the_start(path: Path) -> None:
    save(path, Change(1, [(1, ARTWORK)], [(KEY, PLAYER)], whole=True))
    with sqlite3.connect(path) as file:
        file.execute("UPDATE players SET body = x'ff'")
    file.close()
    assert load(path) is None
    assert not path.exists()


def test_a_copy_of_another_format_is_written_over(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.executescript("PRAGMA user_version = 1; CREATE TABLE contents (post_id, owner_id); CREATE TABLE meta (a);")
    file.close()
    assert load(path) is None
    save(path, Change(2, [(2, ARTWORK)], [], whole=True))
    memory = load(path)
    assert memory is not None and memory.content(2) == ARTWORK


def test_a_locked_copy_is_not_thrown_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(path, Change(1, [(1, ARTWORK)], [], whole=True))
    original = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda where, **options: original(where, timeout=0, **options))
    holder = original(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert load(path) is None
    with pytest.raises(OSError, match="locked"):
        save(path, Change(2, [], []))
    holder.close()
    memory = load(path)
    assert memory is not None and memory.revision == 1


def test_a_save_that_is_called_off_leaves_the_copy_as_it_was(path: Path) -> None:
    save(path, Change(1, [(1, ARTWORK)], [], whole=True))
    bites = 0

    def enough() -> None:
        nonlocal bites
        bites += 1
        if bites > 1:
            raise RuntimeError("called off")

    file = CatalogFile(path)
    with pytest.raises(RuntimeError):
        file.save(Change(2, [(n, BLOG) for n in range(2, 2 * BITE)], [], whole=True), enough)
    assert file.revision == -1
    memory = load(path)
    assert memory is not None
    assert (memory.revision, memory.sizes()["contents"]) == (1, 1)
