"""Generated secrets: made once, whole, and closed to others."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from vts.auth.secrets import load, load_or_make
from vts.model.faults import BadStart


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("nbytes", [16, 32, 64])
def test_a_secret_is_made_once_and_found_again(tmp_path: Path, nbytes: int) -> None:
    path = tmp_path / "var" / "token.secret"
    secret = load_or_make(path, nbytes)
    assert len(secret) == 2 * nbytes
    assert load_or_make(path, nbytes) == secret
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_or_make(tmp_path / "a")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a") == 0o600


def test_a_secret_of_a_data_folder_of_today_is_taken_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "token.secret"
    path.write_text("0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0\n")
    path.chmod(0o644)
    assert load_or_make(path) == b"0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
    assert mode(path) == 0o600


GOOD = b"0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"short",
        bytes(65),
        b"0" * 64 + b"\n",
        GOOD[:-2] + b"\n",
        GOOD[:40],
        GOOD[:-1] + b"f\n",
        GOOD[:10] + b"\xff" + GOOD[11:],
        GOOD[:10] + b"\0" + GOOD[11:],
        GOOD.upper(),
        GOOD * 2,
        GOOD + bytes(8192),
        b"my own secret of enough letters, which belongs into a setting!!!\n",
    ],
)
def test_a_secret_that_is_not_ours_stops_the_start_with_a_word_on_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token.secret"
    path.write_bytes(content)
    with pytest.raises(BadStart) as refusal:
        load_or_make(path, loss="sessions end")
    said = str(refusal.value)
    assert said.startswith(f"{path}: not a secret that VTS made")
    assert "restore the file from a backup, or remove it to have a new one made (sessions end)" in said
    assert path.read_bytes() == content


def test_nothing_is_made_where_a_secret_is_only_looked_for(tmp_path: Path) -> None:
    assert load(tmp_path / "var" / "token.secret") is None
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_keep_it_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadStart, match="cannot be kept"):
        load_or_make(tmp_path / "file" / "secret")
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadStart, match=r"folder: the secret cannot be read: Is a directory"):
        load_or_make(tmp_path / "folder")


def test_many_at_once_get_the_same_secret(tmp_path: Path) -> None:
    found: list[bytes] = []
    barrier = threading.Barrier(8)

    def make() -> None:
        barrier.wait()
        found.append(load_or_make(tmp_path / "secret"))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_two_secrets_differ(tmp_path: Path) -> None:
    assert load_or_make(tmp_path / "a") != load_or_make(tmp_path / "b")
