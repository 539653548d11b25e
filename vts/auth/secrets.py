"""Secrets that VTS makes for itself: once, into a file that only its user can read, in a form that can be checked."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from pathlib import Path
from typing import Final

from vts.model.faults import BadStart

FILE_MAX_BYTES: Final = 4096  # several times the longest secret: a file that is longer is none of ours
_HEX: Final = re.compile(rb"[0-9a-f]+")


def load_or_make(path: Path, nbytes: int = 32, *, loss: str = "") -> bytes:
    """Return the secret in this file: `nbytes` random bytes as hexadecimal digits; when there is no file, make it.

    The file appears whole or not at all, with mode 0600, and when two processes make it at once both get the same
    secret. A file that others may read is closed to them. `loss` is what a new secret would cost. Raises `BadStart`
    with the file's name and a remedy.
    """
    try:
        if not path.exists():
            _make(path, secrets.token_hex(nbytes).encode("ascii") + b"\n")
    except OSError as fault:
        raise BadStart(f"{path}: the secret cannot be kept here: {fault.strerror}") from fault
    found = load(path, nbytes, loss=loss)
    if found is None:
        raise BadStart(f"{path}: the secret was removed while it was being read; start again")
    return found


def load(path: Path, nbytes: int = 32, *, loss: str = "") -> bytes | None:
    """Return the secret in this file, None when there is no file. Raises `BadStart` like `load_or_make`."""
    try:
        with path.open("rb") as file:
            _close_to_others(path, file.fileno())
            content = file.read(FILE_MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise BadStart(f"{path}: the secret cannot be read: {fault.strerror}") from fault
    secret = content.strip()
    if len(secret) != 2 * nbytes or not _HEX.fullmatch(secret) or len(set(secret)) == 1:
        raise BadStart(
            f"{path}: not a secret that VTS made ({2 * nbytes} hexadecimal digits): restore the file from a backup, or "
            f"remove it to have a new one made{f' ({loss})' if loss else ''}"
        )
    return secret


def replace_secret(path: Path, content: bytes) -> None:
    """Put a secret in the place of another: a reader finds one of the two, whole. Raises OSError."""
    draft = _draft(path)
    try:
        _write(draft, content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _close_to_others(path: Path, handle: int) -> None:
    if stat.S_IMODE(os.fstat(handle).st_mode) & 0o077:
        with contextlib.suppress(PermissionError):  # a file of another user, mounted: only its owner sets modes
            path.chmod(0o600)


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
