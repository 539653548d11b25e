"""How long fifty single counts take on one connection that is kept, beside a connection for each.

python -m checks.measure_kept
"""

from __future__ import annotations

import os
import socket
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.folders import open_folder
from tests.support.process import Vts, running

CONTENTS = 50
RUNS = 30
WARM_UP = 20  # the views that are counted are drained meanwhile


def main() -> None:
    """Print the medians and the quickest runs, ms."""
    with open_folder() as folder, running(folder, VTS_LIMITS__WEB_PER_MINUTE="0") as vts:
        with vts.client(vts.service_token()) as service:
            rows = [{"post_id": number, "kind": "blog"} for number in range(1, CONTENTS + 1)]
            assert service.post("/api/content", json=rows).is_success
            assert service.post("/api/view", json=[{"post_id": row["post_id"]} for row in rows]).is_success
        report("one connection", vts, on_one_connection)
        report("a connection each", vts, on_their_own)
        report("/health/live, one connection", vts, lambda vts: on_one_connection(vts, "/health/live"))


def report(name: str, vts: Vts, ask: Callable[[Vts], None]) -> None:
    """Ask several times and print how long that took, and how much of a processor the VTS process used."""
    for _ in range(WARM_UP):
        ask(vts)
    took, used = [], processor_ms(vts)
    for _ in range(RUNS):
        began = time.perf_counter()
        ask(vts)
        took.append((time.perf_counter() - began) * 1e3)
    used = (processor_ms(vts) - used) / RUNS
    middle, least = statistics.median(took), min(took)
    print(
        f"{CONTENTS} questions, {name}: median {middle:.1f} ms, least {least:.1f} ms; processor {used:.1f} ms",
        flush=True,
    )


def processor_ms(vts: Vts) -> float:
    """Return the processor time of the VTS process so far; PostgreSQL's processes are its children and not in it."""
    assert vts.process is not None
    fields = Path(f"/proc/{vts.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")


def on_one_connection(vts: Vts, path: str = "/api/post/{}/count") -> None:
    """Ask one after the other, each when the one before is answered."""
    with socket.create_connection(("127.0.0.1", vts.port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(1, CONTENTS + 1):
            ask_one(client, path.format(number))


def on_their_own(vts: Vts) -> None:
    """Ask one after the other, each on a connection of its own."""
    for number in range(1, CONTENTS + 1):
        with socket.create_connection(("127.0.0.1", vts.port)) as client:
            ask_one(client, f"/api/post/{number}/count")


def ask_one(client: socket.socket, path: str) -> None:
    """Ask and read the whole answer."""
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += client.recv(65536)


if __name__ == "__main__":
    main()
