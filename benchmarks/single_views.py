"""Single views beside two references in the same run: `python -m benchmarks.single_views --connections 128`.

Needs wrk. Everything is on this machine and bounded in time. Ends with 1 when the database does not hold exactly as
many views as were accepted.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.support.mosquitto import free_port
from tests.support.process import Vts, running, wait_until

HERE = Path(__file__).parent
REFERENCES = ("hypercorn", "httptools")
DRAIN_S = 60


def load(port: int, connections: int, seconds: int) -> dict[str, float]:
    """Load one port with wrk; return requests/s, refused requests, and latencies in ms."""
    url = f"http://127.0.0.1:{port}/api/view"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(HERE / "views.lua"), url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    return {
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]),
        "refused": float(refused[1]) if refused else 0.0,
        "p50": milliseconds(re.search(r"\n\s+50%\s+(\S+)", said)[1]),
        "p99": milliseconds(re.search(r"\n\s+99%\s+(\S+)", said)[1]),
    }


def milliseconds(text: str) -> float:
    """Read a time as wrk writes it."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def metric(vts: Vts, name: str) -> float:
    """Return the sum over a metric's lines."""
    with vts.client() as client:
        lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def counted(vts: Vts, token: str) -> int:
    """Return what the statistics say about all 50 contents together."""
    with vts.client(token) as client:
        return sum(client.get(f"/api/post/{post}/stats?days=1").json()["total_views"] for post in range(1, 51))


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def cpu_s(pid: int) -> float:
    """Processor time of a process, in seconds (proc(5), fields 14 and 15; 100 ticks a second)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> int:
    """Run and report."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--connections", type=int, default=128)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--seconds", type=int, default=5)
    asked = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="vts-bench-", dir="/tmp"))
    folder.chmod(0o711)
    ports = {kind: free_port() for kind in REFERENCES}
    script = str(HERE / "references.py")
    others = [subprocess.Popen([sys.executable, script, kind, str(port)]) for kind, port in ports.items()]
    try:
        with running(folder, VTS_LIMITS__WEB_PER_MINUTE="0") as vts:
            return compare(vts, ports, asked)
    finally:
        for other in others:
            other.kill()
        shutil.rmtree(folder, ignore_errors=True)


def compare(vts: Vts, ports: dict[str, int], asked: argparse.Namespace) -> int:
    """Load the three in turn, again and again; print each run, the medians, and the books."""
    pid = vts.process.pid
    print(f"resident memory idle: {resident_mb(pid):.0f} MB")
    rows = []
    for _ in range(asked.runs):
        row = {kind: load(port, asked.connections, asked.seconds)["rate"] for kind, port in ports.items()}
        used, before = cpu_s(pid), metric(vts, 'vts_events_total{outcome="accepted"')
        figures = load(vts.port, asked.connections, asked.seconds)
        events = metric(vts, 'vts_events_total{outcome="accepted"') - before
        row |= {"vts": figures["rate"], "p50": figures["p50"], "p99": figures["p99"], "refused": figures["refused"]}
        ended = time.monotonic()
        wait_until(lambda: metric(vts, "vts_journal_depth") == 0, DRAIN_S)
        row["cpu_us"] = (cpu_s(pid) - used) / events * 1e6
        row["drained_s"] = time.monotonic() - ended
        row["memory"] = resident_mb(pid)
        rows.append(row)
        print(line_of(row), flush=True)
    print("median  " + line_of({name: median(row[name] for row in rows) for name in rows[0]}))
    for kind in REFERENCES:
        print(f"median ratio to bare {kind}: {median(row['vts'] / row[kind] for row in rows):.2f}")
    accepted, stored = metric(vts, 'vts_events_total{outcome="accepted"'), counted(vts, vts.service_token())
    print(f"accepted {accepted:.0f}, counted {stored}")
    return 0 if accepted == stored else 1


def line_of(row: dict[str, float]) -> str:
    """Say one run in a line."""
    return (
        f"hypercorn {row['hypercorn']:.0f}/s  httptools {row['httptools']:.0f}/s  VTS {row['vts']:.0f}/s  "
        f"p50 {row['p50']:.1f} ms  p99 {row['p99']:.1f} ms  refused {row['refused']:.0f}  "
        f"CPU {row['cpu_us']:.0f} us/event  "
        f"drained {row['drained_s']:.1f} s later  {row['memory']:.0f} MB"
    )


if __name__ == "__main__":
    raise SystemExit(main())
