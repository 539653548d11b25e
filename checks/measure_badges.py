"""How much of a processor 10,000 pages with badges cost that ask once a minute each.

python -m checks.measure_badges

Requests are those of `widget.js`: `/api/counts` with `If-None-Match`. The figure is processor time of the
VTS process and of PostgreSQL, by the kernel's account, so other load of the machine changes it little.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from tests.support.folders import open_folder
from tests.support.process import BROWSER, Vts, running

CONTENTS = 50
REQUESTS = 3000
WARM_UP = 200
PAGES = 10_000
INTERVAL_S = 60


def main() -> None:
    """Print what a request costs, and what all pages do."""
    with open_folder() as folder, running(folder, VTS_LIMITS__WEB_PER_MINUTE="0") as vts:
        with vts.client(vts.service_token()) as service:
            rows = [{"post_id": number, "kind": "blog"} for number in range(1, CONTENTS + 1)]
            service.post("/api/content", json=rows).raise_for_status()
            service.post("/api/view", json=[{"post_id": row["post_id"]} for row in rows]).raise_for_status()
            service.get("/api/post/1/count").raise_for_status()
        report("a badge on the page, connection kept", vts, Kept(vts, 1).ask)
        report("a badge on the page, a connection each", vts, lambda: Kept(vts, 1).ask())
        report("10 badges on the page, connection kept", vts, Kept(vts, 10).ask)


def report(name: str, vts: Vts, ask: Callable[[], None]) -> None:
    """Ask many times and print the cost."""
    for _ in range(WARM_UP):
        ask()
    processes = family(vts)
    before = [processor_ms(pid) for pid in processes]
    for _ in range(REQUESTS):
        ask()
    used = [(processor_ms(pid) - was) / REQUESTS for pid, was in zip(processes, before, strict=True)]
    share = sum(used) * PAGES / INTERVAL_S / 1000
    print(
        f"{name}: {used[0]:.3f} ms VTS, {sum(used[1:]):.3f} ms PostgreSQL; {PAGES:,} pages: {share:.1%} of a core",
        flush=True,
    )


class Kept:
    """One page: it asks about some contents, and says what it has."""

    def __init__(self, vts: Vts, badges: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", vts.port))
        path = "/api/counts?" + "&".join(f"ref={number}" for number in range(1, badges + 1))
        self._head = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{vts.port}\r\nUser-Agent: {BROWSER}\r\nAccept: */*\r\n"
            "Origin: https://art.example\r\nSec-Fetch-Mode: cors\r\n"
        )
        self._etag = ""
        self._etag = self._asked()

    def ask(self) -> None:
        """Ask again; the answer is a 304."""
        self._asked()

    def _asked(self) -> str:
        known = f"If-None-Match: {self._etag}\r\n" if self._etag else ""
        self._socket.sendall(f"{self._head}{known}\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer or (b" 200 " in answer[:15] and not answer.endswith(b"}")):
            received = self._socket.recv(65536)
            assert received, "the connection was closed"
            answer += received
        assert answer.startswith(b"HTTP/1.1 304" if known else b"HTTP/1.1 200"), answer[:200]
        return next(line.split(b": ")[1].decode() for line in answer.split(b"\r\n") if line.lower().startswith(b"etag"))


def family(vts: Vts) -> list[int]:
    """VTS, and behind it all processes that come from it."""
    assert vts.process is not None
    found = [vts.process.pid]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def processor_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
