"""How much memory a process needs for contents that are named by texts, beside the same number of integers.

python -m checks.measure_references 1000000
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec

from tests.support.folders import open_folder
from tests.support.process import Vts, running

ROWS_AT_ONCE = 8_000  # a body of 1 MiB
FIRST = 10**9
WITHIN_S = 120.0

_CONTENTS = re.compile(r"^vts_contents (\S+)$", re.MULTILINE)
_RESIDENT = re.compile(r"VmRSS:\s+(\d+) kB")


def main() -> None:
    """Print the resident memory, MB, of an empty process, of one that has taken the contents, and of a fresh start."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for name in sys.argv[2:] or ("integers", "texts"):
        with open_folder() as folder:
            print(f"{count:,} {name}: {', '.join(figures(folder, name, count))}", flush=True)


def figures(folder: Path, name: str, count: int) -> Iterator[str]:
    """Give the figures of one kind of names."""
    with running(folder) as vts:
        yield f"empty {resident_mb(vts):.0f} MB"
        with vts.client(vts.service_token()) as service:
            began = time.perf_counter()
            for start in range(0, count, ROWS_AT_ONCE):
                write(service, name, range(start, min(start + ROWS_AT_ONCE, count)))
            yield f"{count / (time.perf_counter() - began):,.0f} rows/s"
        yield f"written {resident_mb(vts):.0f} MB"
        vts.terminate(within_s=60)
        vts.start(within_s=WITHIN_S)
        loaded(vts, count)
        yield f"started again {resident_mb(vts):.0f} MB"


def write(service: httpx.Client, name: str, numbers: range) -> None:
    """Describe contents, each with an owner of the same kind of name."""
    if name == "texts":
        rows = [
            {"post_id": f"blog:{number:032x}", "kind": "blog", "owner_id": f"u-{number % 997}"} for number in numbers
        ]
    else:
        rows = [{"post_id": FIRST + n, "kind": "blog", "owner_id": 1 + n % 997} for n in numbers]
    answer = service.post("/api/content", content=msgspec.json.encode(rows), timeout=WITHIN_S)
    assert answer.status_code == 200, answer.text


def loaded(vts: Vts, count: int) -> None:
    """Wait until the process has all contents in memory."""
    give_up = time.monotonic() + WITHIN_S
    with vts.client() as client:
        while (found := _CONTENTS.search(client.get("/metrics").text)) is None or float(found[1]) < count:
            assert time.monotonic() < give_up, "not all contents were loaded"
            time.sleep(0.5)


def resident_mb(vts: Vts) -> float:
    """Return the resident memory of the VTS process; PostgreSQL's processes are its children and not in it."""
    assert vts.process is not None
    found = _RESIDENT.search(Path(f"/proc/{vts.process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
