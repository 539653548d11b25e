"""Secrets that VTS makes for itself: once, into a file that only its user can read."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from vts.model.faults import BadStart


def load_or_make(path: Path, nbytes: int = 32) -> bytes:
    """Return the secret in this file, at least `nbytes` long; when there is no file, make it with mode 0600.

    The file appears whole or not at all, and when two processes make it at once both get the same secret. A file that
    others may read is closed to them. Raises `BadStart`, which says what to do.
    """
    try:
        if not path.exists():
            _make(path, secrets.token_hex(nbytes).encode("ascii") + b"\n")
        return _load(path, nbytes)
    except OSError as fault:
        raise BadStart(f"{path}: the secret cannot be kept here: {fault.strerror}") from fault


def replace_secret(path: Path, content: bytes) -> None:
    """Put a secret in the place of another: whoever reads finds one of the two, whole. Raises OSError."""
    draft = _draft(path)
    try:
        _write(draft, content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _load(path: Path, nbytes: int) -> bytes:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        with contextlib.suppress(PermissionError):  # somebody else's file, mounted for us: its modes are his to set
            path.chmod(0o600)
    secret = path.read_bytes().strip()
    if len(secret) < nbytes:
        raise BadStart(f"{path}: the secret has fewer than {nbytes} characters; remove the file to make a new one")
    return secret


def _make(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _draft(path)
    try:
        _write(draft, content)
        with contextlib.suppress(FileExistsError):  # another process was first: its secret is the one
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
