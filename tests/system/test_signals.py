"""What the process does at signals: SIGHUP reads anew, a second SIGTERM changes nothing."""

from __future__ import annotations

import json
import signal
import socket
import ssl
from pathlib import Path
from typing import Any

from cryptography import x509

from tests.enrich.mmdb import database
from tests.support.certificates import write_certificate
from tests.support.ports import free_port
from tests.support.process import Vts, running
from tests.support.waiting import wait_until

BOUND_S = 60  # for busy cores; nothing is decided by it


def serial_at(port: int) -> int:
    """The number of the certificate that a new connection is shown."""
    pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=BOUND_S)
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def lines(vts: Vts) -> list[dict[str, Any]]:
    return [json.loads(line) for line in vts.log.read_text().splitlines() if line.startswith("{")]


def read_anew(vts: Vts, what: str, message: str = "read anew") -> int:
    return sum(line["message"] == message and line.get("what") == what for line in lines(vts))


def test_sighup_reads_certificates_and_settings_anew(folder: Path) -> None:
    certificate, key, config = folder / "cert.pem", folder / "key.pem", folder / "vts.toml"
    first = write_certificate(certificate, key)
    config.write_text('[log]\nlevel = "error"\n')
    mqtt = free_port()
    tls = {f"VTS_{door}__TLS_{kind}_FILE": str(path) for door in ("HTTP", "MQTT")
           for kind, path in (("CERT", certificate), ("KEY", key))}  # fmt: skip
    with running(folder, VTS_CONFIG=str(config), VTS_MQTT__LISTEN=f"127.0.0.1:{mqtt}", **tls) as vts:
        doors = (vts.port, mqtt)
        assert [serial_at(port) for port in doors] == [first, first]
        assert all(line["level"] == "error" for line in lines(vts))
        config.write_text('[log]\nlevel = "info"\n[live]\nclients_max = 77\n')
        vts.process.send_signal(signal.SIGHUP)
        wait_until(lambda: read_anew(vts, "settings"), BOUND_S)
        assert [line["settings"] for line in lines(vts) if "settings" in line] == [["live.clients_max"]]

        second = write_certificate(certificate, key)
        vts.process.send_signal(signal.SIGHUP)
        wait_until(lambda: [serial_at(port) for port in doors] == [second, second], BOUND_S)

        write_certificate(certificate, folder / "the key of another.pem")
        config.write_text('[log]\nlevel = "loud"\n')
        vts.process.send_signal(signal.SIGHUP)
        kept = "not read anew, the former stays in force"
        for what in ("certificate of http", "certificate of mqtt", "settings"):
            wait_until(lambda what=what: read_anew(vts, what, kept), BOUND_S)
        assert [serial_at(port) for port in doors] == [second, second]
        assert read_anew(vts, "countries")
        assert vts.terminate(BOUND_S) == 0


def test_a_second_sigterm_changes_nothing(vts: Vts) -> None:
    with socket.create_connection(("127.0.0.1", vts.port)) as client:
        client.sendall(
            b"POST /api/view HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
        )  # which the door waits for
        with vts.client() as other:
            wait_until(lambda: "vts_http_connections 2" in other.get("/metrics").text, BOUND_S)
        vts.process.send_signal(signal.SIGTERM)
        wait_until(
            lambda: any(line["message"] == "stopped" and line["actor"] == "live" for line in lines(vts)), BOUND_S
        )
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM):
            vts.process.send_signal(number)
        assert vts.process.wait(BOUND_S) == 0
    stopped = [line["actor"] for line in lines(vts) if line["message"] == "stopped"]
    assert stopped[-1] == "storage"  # the whole way down, in order


def test_a_new_country_file_is_in_force_at_once(folder: Path) -> None:
    new = folder / "new.mmdb"
    new.write_bytes(database({"8.8.8.0/24": {"country": {"iso_code": "JP"}}}))
    with running(folder) as vts, vts.client(vts.service_token()) as client:
        printed = vts.cli("geoip", "update", str(new))
        assert f"VTS (process {vts.process.pid}) reads it now" in printed
        wait_until(lambda: read_anew(vts, "countries"), BOUND_S)
        client.post("/api/view", json={"post_id": 5, "client_ip": "8.8.8.8", "user_agent": "x"})
        stats = "/api/post/5/stats"
        wait_until(lambda: client.get(stats).json()["views_by_country"] == {"JP": 1}, BOUND_S)
