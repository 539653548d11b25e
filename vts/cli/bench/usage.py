"""What a process has used, as the kernel counts it. Linux only: elsewhere these figures are unknown."""

from __future__ import annotations

import os
from pathlib import Path


def cpu_s(pid: int | None) -> float | None:
    """Return a process's processor time in user and kernel in seconds, without its children (proc(5))."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int | None) -> float | None:
    """Return a process's resident memory in MB (1,048,576 bytes), without its children (VmRSS)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    lines = (line.split() for line in status.splitlines())
    return next((int(words[1]) / 1024 for words in lines if words[:1] == ["VmRSS:"]), None)
