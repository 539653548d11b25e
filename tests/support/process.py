"""A real VTS process for a test: started on a free port with its own data folder, and ended by its id."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from config.load import load
from tests.support.waiting import BOUND_S, wait_until
from vts.cli.common import tokens_of

READY_WITHIN_S = 60
TOKEN_S = 3600
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"


class Vts:
    """One data folder, and the `vts serve` that runs over it; it may be started several times."""

    def __init__(
        self, folder: Path, *, command: Sequence[str] = (sys.executable, "-m", "vts"), **settings: str
    ) -> None:
        self.folder = folder
        self.command = command
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None
        self.urls: dict[str, Any] = {}
        self.starts = 0
        self._service_token: str | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the process: that of the tests, with the VTS settings of this test alone."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("VTS_") and k != "PORT"}
        return kept | {"VTS_DATA__DIR": str(self.folder / "data"), "VTS_HTTP__PORT": "0"} | self.settings

    @property
    def log(self) -> Path:
        """The file of all that the process printed."""
        return self.folder / "vts.log"

    def start(self, within_s: float = READY_WITHIN_S) -> Vts:
        """Start and wait until events are accepted."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.starts += 1
        ready = self.folder / f"ready-{self.starts}.json"
        ready.unlink(missing_ok=True)  # of another process that had this folder
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "serve", "--ready-file", str(ready)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            wait_until(lambda: ready.exists() or self.process.poll() is not None, within_s, 0.02)
            assert self.process.poll() is None, "vts serve has ended"
        except AssertionError as fault:
            self.kill()
            raise AssertionError(f"{fault}: vts serve is not ready:\n{self.log.read_text()[-4000:]}") from None
        self.urls = json.loads(ready.read_text())
        return self

    @property
    def http(self) -> str:
        """Base URL, like http://127.0.0.1:41234."""
        return str(self.urls["http"])

    @property
    def port(self) -> int:
        """TCP port of the door."""
        return int(self.http.rsplit(":", 1)[1])

    def cli(self, *words: str) -> str:
        """Run a vts command against the same data folder and return what it printed."""
        done = subprocess.run(
            [*self.command, *words], env=self.environment, capture_output=True, text=True, timeout=BOUND_S
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def service_token(self) -> str:
        """A token that may write the catalog, by the command line; the same one at every call."""
        if self._service_token is None:
            self._service_token = self.cli("token", "--service")
        return self._service_token

    def token(self, user_id: int | str, role: str = "user") -> str:
        """A user's token, as the command line makes it, without the half second that a command costs."""
        tokens = tokens_of(load(self.environment))
        return tokens.issue(user_id=user_id, roles=frozenset((role,)), now_s=time.time(), ttl_s=TOKEN_S)

    def client(self, token: str | None = None, agent: str = BROWSER) -> httpx.Client:
        """An HTTP client that looks like a browser."""
        headers = {"User-Agent": agent}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return httpx.Client(base_url=self.http, headers=headers, timeout=BOUND_S)

    def kill(self) -> None:
        """kill -9, so that no code of VTS runs any more."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(BOUND_S)

    def terminate(self, within_s: float = 15) -> int:
        """SIGTERM; return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)


@contextmanager
def running(folder: Path, *, command: Sequence[str] = (sys.executable, "-m", "vts"), **settings: str) -> Iterator[Vts]:
    """Start a VTS; it is killed at the end of the block."""
    vts = Vts(folder, command=command, **settings)
    try:
        yield vts.start()
    finally:
        vts.kill()
