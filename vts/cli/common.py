"""What several commands need: the settings, the tokens, and where the running process is."""

from __future__ import annotations

import os
import time

import click
import msgspec

from config.load import ConfigFaults, Loaded, data_dir, load_with_origins
from config.settings import Settings
from supervisors.parts import Secrets, read_secrets
from vts.auth.tokens import Tokens
from vts.model.faults import BadStart
from vts.store.connection import Database

READY_FILE = "ready.json"
"""In the data folder: the URLs of the process that runs there."""

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
    """Return the secrets of the data folder, made if they are missing. Raises ClickException."""
    folder = data_dir(settings)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        return read_secrets(settings, folder)
    except (BadStart, OSError) as fault:
        raise click.ClickException(str(fault)) from None


def tokens_of(settings: Settings) -> Tokens:
    """Return what issues tokens here."""
    return secrets_of(settings).tokens


def service_token(settings: Settings) -> str:
    """Return a token for a command that talks to the running process."""
    roles = frozenset({"service"})
    return tokens_of(settings).issue(user_id=None, roles=roles, now_s=time.time(), ttl_s=COMMAND_TTL_S)


def ready_urls(settings: Settings) -> dict[str, str]:
    """Return the URLs that the running process has written down, an empty dictionary when there are none."""
    try:
        found: dict[str, str] = msgspec.json.decode((data_dir(settings) / READY_FILE).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}
    return found


def url_of(settings: Settings) -> str:
    """Return where the running process is: as it wrote down itself, else as the settings say."""
    return ready_urls(settings).get("http") or f"http://{settings.http.host}:{settings.http.port}"


def database_of(settings: Settings) -> Database:
    """Return the database of the settings: a server of the operator's, or the one that a running process has."""
    url = settings.database.url or ready_urls(settings).get("database", "")
    if not url:
        raise click.ClickException("the embedded PostgreSQL runs inside `vts serve`: start that first")
    return Database(url=lambda: url)
