"""Clients whose machine has vanished are gone within 45 s: nothing arrives from them any more, not even a refusal."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mqtt5

from tests.support.ports import free_port
from tests.support.process import Vts, running
from tests.support.waiting import wait_until

GONE_S = 45
PLAYER = "6fa459ea-ee8a-3ca4-894e-db77e160355e"
ESTABLISHED = "01"


def vanish(client: socket.socket) -> None:
    """Have the kernel drop all that arrives for a socket before TCP sees it: a filter that lets nothing pass."""
    nothing = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF_RET 0
    program = struct.pack("HP", 1, ctypes.addressof(nothing))
    client.setsockopt(socket.SOL_SOCKET, 26, program)  # SO_ATTACH_FILTER


@contextmanager
def plain(port: int, data: bytes) -> Iterator[socket.socket]:
    """Connect, say something, and wait for the first answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(data)
        assert client.recv(4096)
        yield client


def open_at(port: int) -> int:
    """Return how many connections the server side of a port has."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[3] == ESTABLISHED and int(row[1].rpartition(":")[2], 16) == port for row in rows)


def live_clients(vts: Vts) -> float:
    with vts.client() as client:
        lines = client.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("vts_live_clients "))


def test_who_vanishes_is_gone_within_45_s(folder: Path) -> None:
    port = free_port()
    with running(folder, VTS_MQTT__LISTEN=f"127.0.0.1:{port}") as vts:
        token = vts.service_token()
        said = f"Host: 127.0.0.1:{vts.port}\r\nAuthorization: Bearer {token}\r\n"
        upgrade = (
            "Connection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        )
        with vts.client(token) as client:
            made = client.post("/api/players", json={"player_key": PLAYER, "credential": "c" * 43})
            assert made.status_code == 200, made.text
        login = mqtt5.ConnectPacket("device", clean_start=True, keep_alive=0, username=PLAYER, password=b"c" * 43)
        with (
            plain(vts.port, f"GET /live/events?topics=top HTTP/1.1\r\n{said}\r\n".encode()) as events,
            plain(vts.port, f"GET /live HTTP/1.1\r\n{said}{upgrade}\r\n".encode()) as websocket,
            plain(port, login.write()) as player,
        ):
            wait_until(lambda: live_clients(vts) == 2)
            assert open_at(port) == 1
            for client in (events, websocket, player):
                vanish(client)
            wait_until(lambda: live_clients(vts) == 0 and open_at(port) == 0, within_s=GONE_S)
