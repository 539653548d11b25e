"""The access rules that ship for Mosquitto: a player reaches its own topics and no other's."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from config.load import DEFAULTS
from tests.support.folders import open_folder
from tests.support.mosquitto import Mosquitto
from tests.support.ports import is_open

RULES = DEFAULTS.parent / "mosquitto" / "vts.acl"
KEY, OTHER = "abde009c-5182-4ed3-a7c4-1316419a3b2c", "ae709139-982e-497b-a93a-e451c541af31"
ALLOWED_TO_KEY = f"makapix/player/{KEY}/view/ack"


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


def receives(broker: Mosquitto, subscriber: str, publisher: str, topic: str) -> bool:
    """Return whether what a user publishes to a topic reaches another user, who subscribes to it.

    A second message, which the rules allow, follows on another topic: when it arrives the first one would have, too.
    """
    port = ["-h", "127.0.0.1", "-p", str(broker.port), "-P", "secret", "-q", "1"]
    allowed_by, allowed = (KEY, f"makapix/player/{KEY}/view") if subscriber == "vts" else ("vts", ALLOWED_TO_KEY)
    topics = ["-t", topic, "-t", allowed]
    command = ["stdbuf", "-oL", "mosquitto_sub", *port, "-u", subscriber, *topics, "-d"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as reading:
        assert reading.stdout is not None
        assert any("Subscribed" in line for line in reading.stdout)
        for user, where, text in ((publisher, topic, "hello"), (allowed_by, allowed, "end")):
            subprocess.run(["mosquitto_pub", *port, "-u", user, "-t", where, "-m", text], check=False)
        received = list(takewhile(lambda line: line != "end\n", reading.stdout))
        reading.terminate()
        return "hello\n" in received


@pytest.mark.parametrize(
    ("subscriber", "publisher", "topic", "allowed"),
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
def test_messages_reach_whom_the_rules_allow(
    broker: Mosquitto, subscriber: str, publisher: str, topic: str, allowed: bool
) -> None:
    assert receives(broker, subscriber, publisher, topic) is allowed


def test_clients_without_a_password_are_refused(broker: Mosquitto) -> None:
    port = ["-h", "127.0.0.1", "-p", str(broker.port)]
    done = subprocess.run(["mosquitto_pub", *port, "-t", "x", "-m", "x"], check=False, capture_output=True)
    assert done.returncode != 0
    assert is_open(broker.port)
