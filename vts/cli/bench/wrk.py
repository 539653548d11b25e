"""Load from wrk: cheaper by far than our own generator, but without a record of which events were answered."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import click

from vts.cli.bench import ids
from vts.cli.bench.sender import BROWSER, Sent, Task

EXTRA_S: Final = 60.0  # beyond the load's own seconds, until it is given up
_UNITS_MS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}

# LuaJIT has no 64-bit integers: the number is multiplied in two halves, so that every step is exact in a double.
SCRIPT: Final = """
local number, series, posts, first_post, viewers = FIRST, SERIES, POSTS, FIRST_POST, VIEWERS
local headers = { ["Content-Type"] = "application/json", ["User-Agent"] = "AGENT" AUTHORIZATION }
local scatter, threads = SCATTER, {}
used = 0

function setup(thread)
  table.insert(threads, thread)
end

function request()
  local low, high = number % 65536, math.floor(number / 65536) % 65536
  local prefix = (low * scatter + (high * scatter % 65536) * 65536) % 4294967296
  local body = string.format('{"post_id":%d,"event_id":"%08x-%04x-4000-8000-%012x"}',
    first_post + number % posts, prefix, series, number)
  if viewers > 0 then
    local viewer = number % viewers
    headers["X-Forwarded-For"] = string.format("10.%d.%d.%d",
      math.floor(viewer / 65536) % 256, math.floor(viewer / 256) % 256, viewer % 256)
  end
  number = number + 1
  used = used + 1
  return wrk.format("POST", "/api/view", headers, body)
end

function done()
  for _, thread in ipairs(threads) do
    print("Used: " .. thread:get("used"))
  end
end
"""


def is_here() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def run(task: Task, folder: Path) -> Sent:
    """Send single events with wrk. Raises ClickException with what it said when it fails."""
    script = folder / "views.lua"
    script.write_text(script_of(task))
    load = ("-t1", f"-c{task.connections}", f"-d{max(1, round(task.seconds))}s", "--timeout", "10s", "--latency")
    command = ["wrk", *load, "-s", str(script), f"http://{task.host}:{task.port}/api/view"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=task.seconds + EXTRA_S, check=False)
    except subprocess.TimeoutExpired:
        raise click.ClickException("wrk did not end") from None
    if done.returncode or "Requests/sec" not in done.stdout:
        raise click.ClickException(f"wrk failed: {done.stderr or done.stdout}")
    return read(done.stdout)


def script_of(task: Task) -> str:
    """Write the script for a task."""
    words = {
        "FIRST_POST": str(task.first_post),
        "FIRST": str(task.first),
        "SERIES": str(task.series),
        "POSTS": str(task.posts),
        "VIEWERS": str(task.viewers),
        "AGENT": BROWSER,
        "AUTHORIZATION": f', ["Authorization"] = "Bearer {task.token}"' if task.token else "",
        "SCATTER": str(ids.SCATTER),
    }
    return re.sub("|".join(words), lambda found: words[found[0]], SCRIPT)


def read(said: str) -> Sent:
    """Read what wrk printed."""
    requests, seconds = re.findall(r"(\d+) requests in ([\d.]+\w+)", said)[0]
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    count = int(refused[1]) if refused else 0
    used = sum(int(number) for number in re.findall(r"^Used: (\d+)", said, re.MULTILINE))
    return Sent(
        used=used,
        acknowledged=int(requests) - count,
        unanswered=used - int(requests),
        refused={0: count} if count else {},
        seconds=_milliseconds(seconds) / 1000,
        p50_ms=_milliseconds(re.findall(r"\n\s+50%\s+(\S+)", said)[0]),
        p99_ms=_milliseconds(re.findall(r"\n\s+99%\s+(\S+)", said)[0]),
    )


def _milliseconds(text: str) -> float:
    number, unit = re.findall(r"^([\d.]+)(\D+)$", text)[0]
    return float(number) * _UNITS_MS[unit]
