"""`vts serve`: one process from the first event accepted to the last one kept."""

from __future__ import annotations

import fcntl
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any, Final

import click
import trio

from config.load import data_dir
from config.settings import Settings
from supervisors.engine.supervisor import TooManyBugs
from supervisors.engine.watchdog import Watchdog
from supervisors.tree import logs
from supervisors.tree.components import Components
from supervisors.tree.root import Tree
from vts.cli import terminal
from vts.cli.common import LOCK_FILE, READY_FILE
from vts.cli.mistakes import said_of
from vts.model.faults import BadStart
from vts.store.session.connection import asyncpg_loop
from vts.store.session.faults import StoreMistake

EXIT_BUGS: Final = 1
EXIT_BAD_START: Final = 2
SHUTDOWN_S: Final = 9.5  # the process ends in 10 s in any case: what was acknowledged is on disk
SWITCH_S: Final = 0.0005  # a commit takes the interpreter's lock several times, and waits so long for it each time
# New containers between two looks, then looks of each kind between two of the next, longer one. What events leave in
# tables lives for minutes and is no cycle: a look at much of it holds the loop for nothing (4 to 15 ms with these).
GARBAGE_THRESHOLDS: Final = (4_000, 5, 200)


def run(settings: Settings, ready_file: Path | None) -> int:
    """Serve until stopped; return the exit code."""
    logs.install(settings.log.level, settings.log.format)
    signals = _Signals()
    try:
        with own_folder(data_dir(settings)) as folder:
            components = Components(settings, folder)
            terminal.starting(folder)
            watchdog = Watchdog(components.on_event)
            trio.run(_serve, components, ready_file, signals, instruments=[watchdog])
    except (BadStart, OSError) as fault:
        return _said(f"vts: {_words(fault)}", EXIT_BAD_START)
    except BaseExceptionGroup as group:
        only = _first(group)
        if isinstance(only, BadStart | OSError):
            return _said(f"vts: {_words(only)}", EXIT_BAD_START)
        if isinstance(only, TooManyBugs):
            return _said(f"vts: {only}: {_kind_of(only.__cause__)}", EXIT_BUGS)
        raise
    terminal.stopped()
    return 0


def _said(line: str, code: int) -> int:
    click.echo(line, err=True)
    return code


def _words(fault: BaseException) -> str:
    return said_of(fault) if isinstance(fault, OSError) else str(fault)


def _kind_of(fault: BaseException | None) -> str:
    """Name a bug; with PostgreSQL's message when there is one, which holds no values."""
    return f"{type(fault).__name__}: {fault}" if isinstance(fault, StoreMistake) else type(fault).__name__


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def _serve(components: Components, ready_file: Path | None, signals: _Signals) -> None:
    async with asyncpg_loop():
        tree = Tree(components)
        async with trio.open_nursery() as nursery:
            await nursery.start(signals.obey, tree)
            nursery.start_soon(_announce, tree, ready_file)
            await tree.root.run()
            nursery.cancel_scope.cancel()


class _Signals:
    """What the process does at a signal, from before the tree is built until it has ended."""

    def __init__(self) -> None:
        self._leaving = False
        signal.signal(signal.SIGTERM, self._before_or_after)
        signal.signal(signal.SIGHUP, self._before_or_after)

    def _before_or_after(self, number: int, _frame: FrameType | None) -> None:
        """Where no loop listens: end at SIGTERM, unless that is under way; SIGHUP asks for what is about to be read."""
        if number == signal.SIGTERM and not self._leaving:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    async def obey(self, tree: Tree, *, task_status: trio.TaskStatus[None]) -> None:
        """Begin the shutdown at the first SIGTERM or SIGINT; a SIGINT during it ends it at once. SIGHUP reloads."""
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as received:
            task_status.started()
            async for number in received:
                if number == signal.SIGHUP:
                    tree.reload()
                elif not self._leaving:
                    self._leave(tree)
                elif number == signal.SIGINT:
                    os._exit(EXIT_BUGS)

    def _leave(self, tree: Tree) -> None:
        self._leaving = True
        tree.leave()
        # A thread, because a loop that hangs is one of the things that may be wrong.
        end = threading.Timer(SHUTDOWN_S, os._exit, (0,))
        end.daemon = True
        end.start()
        terminal.stopping()


async def _announce(tree: Tree, ready_file: Path | None) -> None:
    await tree.wait_accepting()
    sys.setswitchinterval(SWITCH_S)
    _settle_garbage_collector()
    urls = tree.urls()
    text = json.dumps(urls)
    for path in (tree.components.folder / READY_FILE, *([ready_file] if ready_file else [])):
        part = path.with_name(path.name + ".part")
        part.write_text(text)
        part.replace(path)
    click.echo(f"VTS is ready at {urls['http']}")
    terminal.ready(tree, urls)
    sys.stdout.flush()


def _settle_garbage_collector() -> None:
    """Leave what was built at the start alone, and look for cycles a little at a time: events make hardly any."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def _lock_file(path: Path) -> IO[str]:
    try:
        return path.open("a")
    except OSError as fault:
        raise BadStart(
            f"{path}: the lock of the data folder cannot be opened: {fault.strerror}; remove it, or set VTS_DATA__DIR "
            "to a folder that this user may write"
        ) from None


@contextmanager
def own_folder(folder: Path) -> Iterator[Path]:
    """Make the data folder and hold its lock. Raises BadStart when another process has it."""
    try:
        # Others may pass through, to where the embedded PostgreSQL keeps its files as a user of its own; every file
        # of ours in here is private by its own mode.
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
    except OSError as fault:
        raise BadStart(f"data.dir: {folder} cannot be used: {fault.strerror}") from None
    lock = _lock_file(folder / LOCK_FILE)
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadStart(f"data.dir: another VTS is running in {folder}") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))  # for `vts geoip update`; while the lock is held the number is right
        lock.flush()
        yield folder
