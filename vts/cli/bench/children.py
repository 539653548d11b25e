"""Processes of a benchmark: each gets its task as JSON, answers in JSON, and ends with the process that started it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
import msgspec

T = TypeVar("T")

LONG_S = 600.0
"""More than any load lasts that is bounded by a number of events."""

GRACE_S = 15.0
"""For an orderly end; VTS needs at most 10 s."""

SAID_MAX_CHARS = 2_000


def start(module: str, task: msgspec.Struct) -> subprocess.Popen[bytes]:
    """Start a module of this package. It may live until its standard input is closed."""
    command = [sys.executable, "-m", f"vts.cli.bench.{module}", msgspec.json.encode(task).decode()]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(module: str, task: msgspec.Struct, kind: type[T], within_s: float) -> T:
    """Run a module to its end and return what it answered. Raises ClickException with what it said instead."""
    with started(module, task) as child:
        return answer(child, kind, within_s)


@contextmanager
def started(module: str, task: msgspec.Struct) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module beside the block and end it with the block."""
    child = start(module, task)
    try:
        yield child
    finally:
        end(child)


def answer(child: subprocess.Popen[bytes], kind: type[T], within_s: float) -> T:
    """Wait for the end of a child and read its answer. Its standard input stays open meanwhile."""
    try:
        said, complaint = child.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        raise click.ClickException(f"the generator did not end within {within_s:g} s") from None
    if child.returncode:
        raise click.ClickException(f"the generator failed: {complaint.decode(errors='replace')[-SAID_MAX_CHARS:]}")
    return msgspec.json.decode(said, type=kind)


def line(child: subprocess.Popen[bytes], kind: type[T], within_s: float) -> T:
    """Read one line of a child that goes on."""
    assert child.stdout is not None
    alarm = threading.Timer(within_s, child.kill)
    alarm.start()
    try:
        said = child.stdout.readline()
    finally:
        alarm.cancel()
    if not said:
        assert child.stderr is not None
        child.kill()
        complaint = child.stderr.read().decode(errors="replace")[-SAID_MAX_CHARS:]
        raise click.ClickException(f"the generator did not get ready: {complaint}")
    return msgspec.json.decode(said, type=kind)


def end(child: subprocess.Popen[Any]) -> None:
    """End a process by its id: politely, then not."""
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None and not stream.closed:
            stream.close()
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
