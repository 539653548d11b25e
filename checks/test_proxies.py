"""The files for proxies and service managers that come with VTS, each with the real program."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trio
from trio_websocket import wrap_client_stream

from tests.support.ports import free_port
from tests.support.process import BROWSER, Vts, running
from tests.support.waiting import wait_until

CONFIG = Path(__file__).resolve().parent.parent / "config"
PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
HOST = "views.example.org"


def nginx(folder: Path, vts_port: int, port: int) -> list[str]:
    """Our file inside the smallest configuration around it."""
    text = (CONFIG / "nginx" / "vts.conf").read_text()
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{vts_port}").replace("listen 80;", f"listen 127.0.0.1:{port};")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in kinds)
    whole = f"pid {folder / 'pid'};\ndaemon off;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{text}}}\n"
    if os.geteuid() == 0:
        whole = "user root;\n" + whole
    (folder / "nginx.conf").write_text(whole)
    return [_program("nginx"), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, vts_port: int, port: int) -> list[str]:
    """Our file, for plain HTTP on another port."""
    text = (CONFIG / "caddy" / "Caddyfile").read_text()
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{vts_port}").replace(f"\n{HOST} {{", f"\nhttp://{HOST}:{port} {{")
    (folder / "Caddyfile").write_text("{\n\tadmin off\n}\n" + text)
    return [_program("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


def _program(name: str) -> str:
    found = shutil.which(name, path=PATH)
    assert found, f"the checks need {name}; `make check` installs it"
    return found


@contextmanager
def started(command: list[str], folder: Path, port: int) -> Iterator[None]:
    environment = os.environ | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        wait_until(lambda: process.poll() is not None or _answers(port), within_s=60)
        assert process.poll() is None, (folder / "proxy.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("proxy", [nginx, caddy])
async def test_views_and_live_counts_pass_through(folder: Path, proxy) -> None:
    port = free_port()
    with (
        running(folder, VTS_HTTP__TRUSTED_PROXIES="127.0.0.1/32") as vts,
        started(proxy(folder, vts.port, port), folder, port),
    ):
        _count_two_visitors(vts, port)
        headers = [("Authorization", f"Bearer {vts.service_token()}")]
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with (
            trio.open_nursery() as nursery,
            await wrap_client_stream(nursery, stream, HOST, "/live", extra_headers=headers) as live,
        ):
            await live.send_message('{"op":"subscribe","topics":["post:42"]}')
            while '"views":2' not in (await live.get_message()):
                pass


def _count_two_visitors(vts: Vts, port: int) -> None:
    """A forged header of a client is not believed: both views come from one address, that of the client."""
    headers = {"Host": HOST, "User-Agent": BROWSER}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        for forged in ("203.0.113.7", "203.0.113.8"):
            answer = client.post("/api/view", json={"post_id": 42}, headers={"X-Forwarded-For": forged})
            assert answer.status_code == 202, answer.text
        wait_until(lambda: client.get("/api/post/42/count").json()["views"] == 2, within_s=60)
        token = {"Authorization": f"Bearer {vts.service_token()}"}
        assert client.get("/api/post/42/stats", headers=token).json()["unique_viewers"] == 1


def test_the_unit_is_one_that_systemd_understands(folder: Path) -> None:
    program = shutil.which("systemd-analyze")
    assert program, "the checks need systemd-analyze (Debian: apt-get install systemd)"
    unit = (CONFIG / "systemd" / "vts.service").read_text().replace("/opt/vts/bin/vts", "/bin/true")
    (folder / "vts.service").write_text(unit)
    done = subprocess.run([program, "verify", folder / "vts.service"], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_procfile_starts_vts_on_the_port_of_the_host(folder: Path) -> None:
    """As hosts without containers run it: `honcho start` with PORT."""
    port = free_port()
    shutil.copy(CONFIG.parent / "Procfile", folder)
    environment = {name: value for name, value in Vts(folder).environment.items() if name != "VTS_HTTP__PORT"}
    environment |= {"PORT": str(port), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "honcho", "start"]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        wait_until(lambda: process.poll() is not None or _is_ready(port), within_s=120)
        assert process.poll() is None, (folder / "log").read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert f"VTS is ready at http://127.0.0.1:{port}" in (folder / "log").read_text()


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=60).status_code == 200
    except httpx.TransportError:
        return False
