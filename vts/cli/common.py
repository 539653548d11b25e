"""What several commands need: the settings, the tokens, and where the running process is."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import click
import msgspec

from config.load import TOKEN_NAME, ConfigFaults, Loaded, data_dir, load_with_origins
from config.settings import Settings
from supervisors.tree.secrets import Secrets, read_secrets, read_tokens
from vts.auth.secrets import load
from vts.auth.tokens import Tokens
from vts.cli.mistakes import CannotRun
from vts.model.faults import BadStart
from vts.store.session.connection import Database

READY_FILE = "ready.json"
"""In the data folder: the URLs of the process that runs there."""

LOCK_FILE = "lock"
"""In the data folder: held by the process that runs there, which writes its number into it."""

COMMAND_TTL_S = 3600


def read_settings() -> Settings:
    """Return the settings, or say every fault and exit with 2."""
    return read_layers().settings


def read_layers() -> Loaded:
    """Return the settings and the origin of each, or say every fault and exit with 2."""
    try:
        return load_with_origins(os.environ)
    except ConfigFaults as faults:
        for fault in faults.faults:
            click.echo(f"{fault.where}: {fault.what}; allowed: {fault.allowed}", err=True)
        raise SystemExit(2) from None


def secrets_of(settings: Settings) -> Secrets:
    """Return the secrets of the data folder, made if they are missing. Raises BadStart."""
    return read_secrets(settings, _made(data_dir(settings)))


def tokens_of(settings: Settings) -> Tokens:
    """Return what issues tokens here; its secret is made if it is missing. Raises BadStart."""
    return read_tokens(settings, _made(data_dir(settings)))


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
    except OSError as fault:
        raise BadStart(f"data.dir: {folder} cannot be used: {fault.strerror}") from None
    return folder


def bearer_of(settings: Settings, given: str | None) -> str:
    """Return the token for a command that talks to a running VTS: as given, else a service's by the secrets here.

    No secret is made for it: what a VTS elsewhere does not have, it does not take. Raises CannotRun.
    """
    if given:
        return given
    try:
        tokens = read_tokens(settings, data_dir(settings), _present)
    except BadStart as fault:
        raise CannotRun(f"no token for this VTS: {fault}; or give --token or {TOKEN_NAME}") from None
    return tokens.issue(user_id=None, roles=frozenset({"service"}), now_s=time.time(), ttl_s=COMMAND_TTL_S)


def _present(path: Path, nbytes: int, *, loss: str) -> bytes:
    found = load(path, nbytes, loss=loss)
    if found is None:
        raise BadStart(f"{path} is missing, so no VTS has run in this data folder: run this where it does")
    return found


def ready_urls(settings: Settings) -> dict[str, str]:
    """Return the URLs that the running process has written down, an empty dictionary when there are none."""
    try:
        found: dict[str, str] = msgspec.json.decode((data_dir(settings) / READY_FILE).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}
    return found


def url_of(settings: Settings) -> str:
    """Return where the running process is: as it wrote down itself, else as the settings say."""
    http = settings.http
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(http.host, http.host)  # noqa: S104 -- every address: ours, too
    host = f"[{host}]" if ":" in host else host
    return ready_urls(settings).get("http") or f"{'https' if http.tls_cert_file else 'http'}://{host}:{http.port}"


def running_pid(folder: Path) -> int | None:
    """Return the process that runs in a data folder: it holds the lock, with its number in it. None: there is none."""
    try:
        with (folder / LOCK_FILE).open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read())
    except (OSError, ValueError):
        pass
    return None


class NoDatabase(CannotRun):
    """The database is the embedded one, and has never run in this data folder."""


def database_of(settings: Settings) -> Database:
    """Return the database of the settings: a server of the operator's, or the one that a running process has."""
    url = settings.database.url or ready_urls(settings).get("database", "")
    if not url:
        raise NoDatabase("the embedded PostgreSQL runs inside `vts serve`: start that first")
    return Database(url=lambda: url)
