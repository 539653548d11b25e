"""A real Mosquitto for a test: its own configuration, a free port, and ended by its id."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

START_S = 10


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """A broker on loopback that keeps sessions while it lives; without further `lines` it lets anybody in."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.folder = folder
        self.lines = lines or ("allow_anonymous true",)
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"

    def __enter__(self) -> Mosquitto:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "mosquitto.conf"
        lines = (f"listener {self.port} 127.0.0.1", *self.lines, "max_queued_messages 0", f"user {getpass.getuser()}")
        config.write_text("\n".join(lines) + "\n")
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin")
        assert program, "the tests need mosquitto; `make test` installs it"
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen([program, "-c", str(config)], stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
