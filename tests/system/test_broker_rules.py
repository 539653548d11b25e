"""The access rules that ship for Mosquitto: a player reaches its own topics and no other's."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.load import DEFAULTS
from tests.support.folders import open_folder
from tests.support.mosquitto import Mosquitto

RULES = DEFAULTS.parent / "mosquitto" / "vts.acl"
KEY, OTHER = "abde009c-5182-4ed3-a7c4-1316419a3b2c", "ae709139-982e-497b-a93a-e451c541af31"


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    """A broker with our rules and three users; every password is "secret"."""
    with open_folder() as folder:
        passwords = folder / "passwords"
        passwords.touch(0o600)
        for user in ("vts", KEY, OTHER):
            subprocess.run(["mosquitto_passwd", "-b", str(passwords), user, "secret"], check=True)
        lines = ("allow_anonymous false", f"password_file {passwords}", f"acl_file {_own_copy(folder)}")
        with Mosquitto(folder, *lines) as running:
            yield running


def _own_copy(folder: Path) -> Path:
    copy = folder / "vts.acl"
    copy.write_text(RULES.read_text())
    copy.chmod(0o600)
    return copy


def hears(broker: Mosquitto, listener: str, speaker: str, topic: str) -> bool:
    """Whether a listener of a topic hears what a speaker publishes there."""
    port = ["-h", "127.0.0.1", "-p", str(broker.port), "-P", "secret", "-q", "1"]
    ear = ["stdbuf", "-oL", "mosquitto_sub", *port, "-u", listener, "-t", topic, "-C", "1", "-W", "1", "-d"]
    with subprocess.Popen(ear, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as listening:
        assert listening.stdout is not None
        for line in listening.stdout:
            if "Subscribed" in line:
                break
        subprocess.run(["mosquitto_pub", *port, "-u", speaker, "-t", topic, "-m", "hello"], check=False)
        return "hello\n" in listening.stdout.readlines()


@pytest.mark.parametrize(
    ("listener", "speaker", "topic", "heard"),
    [
        ("vts", KEY, f"makapix/player/{KEY}/view", True),
        ("vts", KEY, f"makapix/player/{OTHER}/view", False),
        ("vts", KEY, f"makapix/player/{KEY}/request/1", True),
        (KEY, "vts", f"makapix/player/{KEY}/view/ack", True),
        (KEY, "vts", f"makapix/player/{OTHER}/response/1", False),
        (KEY, OTHER, f"makapix/player/{OTHER}/view", False),
        (KEY, KEY, f"makapix/player/{KEY}/view/ack", False),
    ],
)
def test_who_hears_whom(broker: Mosquitto, listener: str, speaker: str, topic: str, heard: bool) -> None:
    assert hears(broker, listener, speaker, topic) is heard


def test_strangers_are_not_let_in(broker: Mosquitto) -> None:
    port = ["-h", "127.0.0.1", "-p", str(broker.port)]
    done = subprocess.run(["mosquitto_pub", *port, "-t", "x", "-m", "x"], check=False, capture_output=True)
    assert done.returncode != 0
    with socket.create_connection(("127.0.0.1", broker.port), 5):
        pass  # the broker lives
