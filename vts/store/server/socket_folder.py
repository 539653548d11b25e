"""Where the server's socket is: in the home, or in a short path when the home's is too long for a socket."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

from vts.model.faults import BadStart

# sun_path holds 108 bytes (unix(7)) with the closing zero; PostgreSQL's part of it is "/.s.PGSQL.5432".
SOCKET_FOLDER_MAX_BYTES: Final = 107 - len("/.s.PGSQL.5432")


def socket_folder(home: Path, user_id: int, group_id: int) -> Path:
    """Return the folder of the socket, private to this user; make it when it is missing. Raises BadStart, OSError."""
    inside = home / "socket"
    # The driver takes a comma for the end of a host's name.
    fits = len(os.fsencode(inside)) <= SOCKET_FOLDER_MAX_BYTES and "," not in str(inside)
    folder = inside if fits else _short_folder(home)
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, user_id, group_id)
    except FileExistsError:
        found = folder.lstat()  # in /tmp another user may have made it before
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != user_id or stat.S_IMODE(found.st_mode) & 0o077:
            raise BadStart(f"{folder} is not the private folder of user id {user_id}: remove it") from None
    return folder


def _short_folder(home: Path) -> Path:
    mark = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    base = Path("/run") if os.geteuid() == 0 else Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108
    return (base if base.is_dir() else Path("/tmp")) / f"vts-{mark}"  # noqa: S108
