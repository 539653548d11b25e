"""What only a real broker shows: MQTT 3.1.1 players, passwords, TLS, and a broker that restarts."""

from __future__ import annotations

import datetime as dt
import ipaddress
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.capture.mqtt_support import KEY, Device, PlayerDoors, mosquitto_pub, view
from tests.support.mosquitto import Mosquitto
from tests.support.waiting import until
from vts.capture.mqtt.broker.address import broker_of
from vts.capture.mqtt.broker.probe import answers
from vts.capture.mqtt.broker.session import ConnectionLost
from vts.model.faults import BadStart

VIEW = f"makapix/player/{KEY}/view"


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    with Mosquitto(tmp_path, persistent=True) as broker:
        yield broker


async def test_a_probe_of_the_broker_takes_no_session(tmp_path: Path) -> None:
    broker, world = Mosquitto(tmp_path), PlayerDoors()
    broker.start()
    url = f"mqtt://127.0.0.1:{broker.port}"
    async with world.serving(url) as subscriber:
        assert await answers(broker_of(url).dial, world.options(url))
        await mosquitto_pub(broker.port, VIEW, view())
        await until(lambda: len(world.admission) == 1)
        assert subscriber.connected
    broker.stop()
    assert not await answers(broker_of(url).dial, world.options(url))


async def test_a_broker_that_refuses_our_password_is_not_reached(tmp_path: Path) -> None:
    broker, world = Mosquitto(tmp_path, "allow_anonymous false"), PlayerDoors()
    broker.start()
    url = f"mqtt://vts:wrong@127.0.0.1:{broker.port}"
    assert not await answers(broker_of(url).dial, world.options(url))
    broker.stop()


@pytest.mark.parametrize("version", ["mqttv31", "mqttv311", "mqttv5"])
async def test_players_of_every_protocol_version_are_counted(broker: Mosquitto, version: str) -> None:
    world = PlayerDoors()
    async with world.serving(f"mqtt://127.0.0.1:{broker.port}"):
        done = await mosquitto_pub(broker.port, VIEW, view(), "-V", version)
        assert done.returncode == 0
        await until(lambda: world.admission.journal)


async def test_another_prefix(broker: Mosquitto) -> None:
    world = PlayerDoors("site/north")
    async with world.serving(f"mqtt://127.0.0.1:{broker.port}"):
        await mosquitto_pub(broker.port, VIEW, view())
        await mosquitto_pub(broker.port, f"site/north/player/{KEY}/view", view(at=1))
        await until(lambda: world.admission.journal)
    assert len(world.admission.journal) == 1


async def test_the_broker_restarts_with_views_under_way(broker: Mosquitto) -> None:
    world = PlayerDoors()
    url = f"mqtt://127.0.0.1:{broker.port}"
    async with world.serving(url):
        pass
    async with Device.at(broker.port) as device:
        await device.publish(VIEW, *(view(at=i) for i in range(30)))
    broker.stop()
    with pytest.raises(OSError):
        await world.subscriber(url).run()
    broker.start()
    async with world.serving(url):
        await until(lambda: len(world.admission.journal) == 30)


async def test_losing_the_broker_is_an_outage(broker: Mosquitto) -> None:
    world = PlayerDoors()
    with pytest.raises(ExceptionGroup) as caught:
        async with world.serving(f"mqtt://127.0.0.1:{broker.port}"):
            broker.stop(signal.SIGKILL)
            await trio.sleep_forever()
    assert caught.group_contains(ConnectionLost, match="closed the connection", depth=2)


async def test_the_password_is_checked_by_the_broker(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "vts", "s:cr/t@"], check=True)  # noqa: ASYNC221
    passwords.chmod(0o644)
    broker = Mosquitto(tmp_path, "allow_anonymous false", f"password_file {passwords}")
    broker.start()
    world = PlayerDoors()
    try:
        with pytest.raises(ConnectionLost, match="NOT_AUTHORIZED"):
            await world.subscriber(f"mqtt://vts:wrong@127.0.0.1:{broker.port}").run()
        async with world.serving(f"mqtt://vts:s%3Acr%2Ft%40@127.0.0.1:{broker.port}"):
            await mosquitto_pub(broker.port, VIEW, view(), "-u", "vts", "-P", "s:cr/t@")
            await until(lambda: world.admission.journal)
    finally:
        broker.stop()


async def test_tls_with_an_authority_of_our_own(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    lines = ("allow_anonymous true", f"certfile {certificate}", f"keyfile {key}")
    broker = Mosquitto(tmp_path, *lines)
    broker.start()
    world = PlayerDoors()
    url = f"mqtts://127.0.0.1:{broker.port}"
    try:
        with pytest.raises(ConnectionLost, match="certificate verify failed"):
            await world.subscriber(url).run()
        async with world.serving(url, str(certificate)):
            done = await mosquitto_pub(broker.port, VIEW, view(), "--cafile", str(certificate))
            assert done.returncode == 0
            await until(lambda: world.admission.journal)
    finally:
        broker.stop()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    paths[1].chmod(0o644)
    return paths


@pytest.mark.parametrize("url", ["http://host", "mqtt://", "host:1883", "mqtt://host:port", "mqtt://host:99999", ""])
def test_a_url_that_is_none_is_a_bad_start(url: str) -> None:
    with pytest.raises(BadStart, match="mqtt://"):
        broker_of(url)


def test_every_part_of_a_url_is_read() -> None:
    broker = broker_of("mqtts://us%40er:p%3Aw@[::1]")
    assert (broker.host, broker.port, broker.username, broker.password) == ("::1", 8883, "us@er", b"p:w")
    assert broker.tls is not None
    assert "p:w" not in repr(broker)
    with pytest.raises(BadStart, match=r"mqtt\.ca_file: /nowhere"):
        broker_of("mqtts://host", "/nowhere")
