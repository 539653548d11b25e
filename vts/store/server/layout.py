"""Where the embedded PostgreSQL lives: its programs, its data, its socket, and the user it runs as.

    <data folder>/postgres/            ours
        data/                          the cluster, its server's user's, 0700
        socket/                        likewise
        pg_hba.conf, pg_ident.conf     who may log in: only the user that runs VTS

PostgreSQL does not run as root. Started as root, VTS runs it as an unprivileged user; where that user cannot go to the
data folder (a checkout in root's private home), the folder above is made in /var/lib/vts, and a file in the data folder
says where. No mode of any folder that was there before is ever changed.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from vts.model.faults import BadStart
from vts.store.server.files import make_open, write_whole
from vts.store.server.programs import SHARED, installed, major_of, programs_for
from vts.store.server.socket_folder import socket_folder
from vts.store.server.spawn import User, reaches

DATABASE: Final = "vts"
LOGIN: Final = "vts"
SUPERUSER: Final = "postgres"

# The first of these users that exists. A user of its own is better: other programs run as `nobody`, too.
USERS: Final = ("vts", "nobody")
POINTER: Final = "postgres.at"
PATH_MAX_CHARS: Final = 4095  # PATH_MAX of Linux, without its closing zero
_POINTER_REMEDY: Final = (
    f"write the path of the database's folder into it (one of those in {SHARED}), or remove it to begin with an empty "
    "database"
)
BELONGS_TO: Final = "data-folder"  # in a home of /var/lib/vts: which data folder it was made for


@dataclass(frozen=True, slots=True)
class Layout:
    """`major` is the version of the cluster in `data`, or of the one to be made there. `user` is None when not root."""

    home: Path
    socket: Path
    programs: Path
    major: int
    user: User | None

    @property
    def data(self) -> Path:
        """The cluster's folder."""
        return self.home / "data"

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"postgresql://{LOGIN}@/{DATABASE}?host={quote(str(self.socket), safe='')}&port=5432"


def find_layout(
    data_dir: Path, user_name: str | None = None, say: Callable[[str], None] = print, shared: Path = SHARED
) -> Layout:
    """Decide the layout and make its folders. Blocks. Raises BadStart with what is wrong.

    `say` is called with one line when the home is not in the data folder.
    """
    data_dir = data_dir.resolve()
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        return _as_root(data_dir, user_name, say, shared) if os.geteuid() == 0 else _as_ourselves(data_dir)
    except OSError as error:
        raise BadStart(f"no place for the embedded database: {error}") from error


def home_of(data_dir: Path) -> Path:
    """Return where the database of a data folder is, or will be. Raises BadStart for a pointer that is damaged."""
    pointer = data_dir / POINTER
    try:
        text = pointer.read_text("utf-8").strip()
    except FileNotFoundError:
        return data_dir.resolve() / "postgres"
    except (OSError, UnicodeDecodeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "not a text"
        raise BadStart(f"{pointer}: it cannot be read: {why}; {_POINTER_REMEDY}") from None
    if not text.startswith("/") or not text.isprintable() or len(text) > PATH_MAX_CHARS:
        raise BadStart(f"{pointer}: not the path of a folder; {_POINTER_REMEDY}")
    return Path(text)


def _as_ourselves(data_dir: Path) -> Layout:
    home = home_of(data_dir)
    cluster = home / "data"
    if home.exists() and (not os.access(home, os.W_OK) or (cluster.exists() and cluster.stat().st_uid != os.geteuid())):
        raise BadStart(f"the database in {home} belongs to another user: start VTS as root, or as that user")
    home.mkdir(mode=0o700, exist_ok=True)
    major = major_of(home)
    return Layout(home, socket_folder(home, os.geteuid(), os.getegid()), installed(major), major, None)


def _as_root(data_dir: Path, user_name: str | None, say: Callable[[str], None], shared: Path) -> Layout:
    home = home_of(data_dir)
    user = _owner(home / "data") or unprivileged(user_name)
    home = _reachable_home(data_dir, user, say, shared)
    major = major_of(home)
    programs = programs_for(user, major, say, shared)
    return Layout(home, socket_folder(home, user.user_id, user.group_id), programs, major, user)


def _owner(cluster: Path) -> User | None:
    """Return the user that made the cluster: it goes on running it."""
    try:
        owner = cluster.stat()
    except FileNotFoundError:
        return None
    try:
        return User(pwd.getpwuid(owner.st_uid).pw_name, owner.st_uid, owner.st_gid)
    except KeyError:
        raise BadStart(f"{cluster} belongs to user id {owner.st_uid}, which has no name here") from None


def unprivileged(name: str | None = None) -> User:
    """Return the user to run PostgreSQL as when we are root. Raises BadStart when there is none."""
    for candidate in USERS if name is None else (name,):
        try:
            entry = pwd.getpwnam(candidate)
        except KeyError:
            continue
        return User(candidate, entry.pw_uid, entry.pw_gid)
    raise BadStart(f"no user to run PostgreSQL as: make one with `useradd --system {name or USERS[0]}`")


def _reachable_home(data_dir: Path, user: User, say: Callable[[str], None], shared: Path) -> Path:
    home = home_of(data_dir)
    moved = home.parent != data_dir
    if moved and not home.is_dir():
        raise BadStart(f"the database in {home} is gone; to begin with an empty one, remove {data_dir / POINTER}")
    make_open(home, 0o711)
    if reaches(user, home):
        if moved:
            write_whole(home / BELONGS_TO, f"{data_dir}\n")  # each time: a data folder may have been moved
        return home
    if moved or (home / "data").exists():
        raise BadStart(f"user {user.name} has lost access to its database in {home}")
    shutil.rmtree(home)
    make_open(shared, 0o755)
    home = shared.resolve() / secrets.token_hex(8)
    make_open(home, 0o711)
    write_whole(home / BELONGS_TO, f"{data_dir}\n")
    write_whole(data_dir / POINTER, f"{home}\n")
    say(f"PostgreSQL cannot run as root, and user {user.name} cannot enter {data_dir}: its data is in {home}")
    return home


def write_access(layout: Layout) -> None:
    """Let the user that runs VTS log in, over the socket, as the login and as superuser, and no other user."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise BadStart(f"user id {os.geteuid()} has no name, which PostgreSQL needs: add it to /etc/passwd") from None
    write_whole(layout.home / "pg_hba.conf", "local all all peer map=vts\n")
    lines = "".join(f'vts "{name}" {role}\n' for role in (LOGIN, SUPERUSER))
    write_whole(layout.home / "pg_ident.conf", lines)
