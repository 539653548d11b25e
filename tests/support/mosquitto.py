"""A real Mosquitto for a test: its own configuration, a free port, and ended by its id."""

from __future__ import annotations

import getpass
import shutil
import signal
import subprocess
from pathlib import Path
from types import TracebackType

from tests.support.ports import free_port, is_open
from tests.support.waiting import BOUND_S, wait_until

STOP_S = 30
PERSISTENT = ("persistence true", "autosave_on_changes true", "autosave_interval 1")


class Mosquitto:
    """A broker on loopback; without `lines` of its own it admits every client.

    It keeps sessions and queues in memory; a `persistent` one writes each change to its folder, and so keeps them over
    a restart.
    """

    def __init__(self, folder: Path, *lines: str, persistent: bool = False) -> None:
        self.folder = folder
        self.lines = lines or ("allow_anonymous true",)
        self.persistent = persistent
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Write the configuration, start, and return when the port is open."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join(self._config()) + "\n")
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin")
        assert program, "the tests need mosquitto; `make test` installs it"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([program, "-c", str(config)], stdout=log, stderr=log)
        wait_until(self._is_started, BOUND_S, 0.01)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it with a signal; nothing happens when it does not run."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(STOP_S)
            self._process = None

    def __enter__(self) -> Mosquitto:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        """The file of all that it printed."""
        return self.folder / "mosquitto.log"

    def _config(self) -> list[str]:
        kept = (*PERSISTENT, f"persistence_location {self.folder}/") if self.persistent else ()
        limits = ("max_queued_messages 0", "max_inflight_messages 1000")
        return [f"listener {self.port} 127.0.0.1", *kept, *limits, f"user {getpass.getuser()}", *self.lines]

    def _is_started(self) -> bool:
        assert self._process is not None and self._process.poll() is None, self.log.read_text()
        return is_open(self.port)
