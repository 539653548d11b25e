"""How the embedded cluster is made, and that one process at a time runs it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from vts.model.faults import BadStart
from vts.store.server.layout import DATABASE, LOGIN, SUPERUSER, Layout
from vts.store.server.spawn import complete
from vts.store.server.stale import end_all

_ROLES: Final = f"""
CREATE ROLE {LOGIN} LOGIN CREATEROLE;
GRANT pg_monitor TO {LOGIN};
CREATE DATABASE {DATABASE} OWNER {LOGIN};
"""


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the folder: one VTS process runs a cluster. The system releases the lock of a process that ends."""
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BadStart(f"another VTS process runs the database in {home}") from None
    finally:
        os.close(folder)


async def make_cluster(layout: Layout) -> None:
    """Make the cluster under another name, and give it its own when it is whole: a half-made one never counts."""
    if layout.data.exists():
        return
    draft = layout.home / "data.new"
    await end_all(draft)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if layout.user is not None:
        os.chown(draft, layout.user.user_id, layout.user.group_id)
    options = ("--encoding=UTF8", "--locale=C", "--data-checksums", "--auth=reject", "--no-instructions")
    await _complete(layout, [layout.programs / "initdb", "-D", draft, "-U", SUPERUSER, *options])
    quiet = ("-c", "log_checkpoints=off", "-c", "log_min_messages=error")
    await _complete(layout, [layout.programs / "postgres", "--single", *quiet, "-D", draft, "postgres"], _ROLES)
    draft.rename(layout.data)
    folder = os.open(layout.home, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


async def _complete(layout: Layout, argv: list[Any], given: str = "") -> None:
    status, output = await complete(argv, user=layout.user, given=given.encode())
    if status != 0 or "ERROR:" in output:
        last = output.strip().rpartition("\n")[2]
        raise BadStart(f"the embedded database cannot be made in {layout.home}: {last or f'status {status}'}")
