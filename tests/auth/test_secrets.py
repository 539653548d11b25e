"""Generated secrets: made once, whole, and closed to others."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from vts.auth.secrets import load_or_make
from vts.model.faults import BadStart


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("nbytes", [16, 32, 64])
def test_a_secret_is_made_once_and_found_again(tmp_path: Path, nbytes: int) -> None:
    path = tmp_path / "var" / "token.secret"
    secret = load_or_make(path, nbytes)
    assert len(secret) >= nbytes
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


def test_a_secret_of_the_operator_is_taken_as_it_is_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text("my own secret of enough letters!!\n")
    path.chmod(0o644)
    assert load_or_make(path) == b"my own secret of enough letters!!"
    assert mode(path) == 0o600


@pytest.mark.parametrize("content", ["", "\n", "short"])
def test_a_secret_that_is_too_short_stops_the_start(tmp_path: Path, content: str) -> None:
    path = tmp_path / "mine"
    path.write_text(content)
    with pytest.raises(BadStart, match="fewer than 32"):
        load_or_make(path)
    assert path.read_text() == content


def test_a_place_that_cannot_keep_it_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadStart, match="cannot be kept"):
        load_or_make(tmp_path / "file" / "secret")
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadStart, match="cannot be kept"):
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
