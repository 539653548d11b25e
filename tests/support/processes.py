"""Faults from outside: signals to a process and all that it started, by their ids."""

from __future__ import annotations

import os
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes below this one."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended while we looked
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def signal_below(pid: int, number: int) -> int:
    """Send a signal to everything that this process started; return how many got it."""
    targets = descendants(pid)
    for target in targets:
        try:
            os.kill(target, number)
        except ProcessLookupError:
            continue
    return len(targets)
