"""Which exception each error of PostgreSQL and its driver is, in one table, named by what the caller can do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from vts.model.faults import Outage, StoreUnavailable

__all__ = [
    "BadData",
    "NotMigrated",
    "SharedSession",
    "StoreMistake",
    "StoreRefused",
    "StoreUnavailable",
    "remedy",
    "translated",
]

NO_RIGHT: Final = "42501"
NO_SCHEMA: Final = "3F000"


class BadData(Exception):
    """A value does not fit: the same statement fails again with it. A batch is halved, a single row a dead letter."""

    def __init__(self, message: str, sqlstate: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class StoreMistake(Exception):
    """A statement of ours is wrong (syntax, a missing table, a missing right): a bug, and counted as one."""

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class StoreRefused(StoreUnavailable):
    """PostgreSQL is there and will not serve us however long we wait: user, password, rights, or a newer schema."""

    wait_max_s = Outage.wait_max_s  # a person has to act


class NotMigrated(StoreUnavailable):
    """The tables of this version are not there yet."""


class SharedSession(StoreRefused):
    """What is at the address is a pooler that lends a server for a transaction or a statement, not for a session."""

    def __init__(self) -> None:
        super().__init__("a pooler in transaction or statement mode; VTS needs its sessions whole: pool_mode = session")


# https://www.postgresql.org/docs/current/errcodes-appendix.html; the longest prefix wins.
_KINDS: Final[dict[str, type[Exception]]] = {
    "08": StoreUnavailable,  # connection exceptions
    "0A000": StoreUnavailable,  # a cached plan that a migration next door has made invalid
    "21": BadData,  # cardinality: one key twice in one upsert
    "22": BadData,  # data exceptions; the driver's own encoders use 22000
    "23": BadData,  # integrity constraints, "no partition for this row" among them
    "25006": StoreUnavailable,  # read-only: a replica that is being promoted
    "25P03": StoreUnavailable,  # idle in transaction for too long
    "28": StoreRefused,
    "3D000": StoreRefused,
    "40": StoreUnavailable,  # deadlock, serialization
    "53": StoreUnavailable,  # disk full, out of memory, too many connections
    "54": BadData,  # program limits: an index row too large
    "55000": StoreUnavailable,  # the database takes no connections now: it is being moved
    "55P03": StoreUnavailable,  # lock not available
    "55006": StoreUnavailable,  # object in use
    "57": StoreUnavailable,  # shutdown, crash, "cannot connect now", statement timeout
    "58": StoreUnavailable,  # input or output error below the server
}


def kind_of(sqlstate: str) -> type[Exception]:
    """Return which fault a SQLSTATE is for the caller."""
    return _KINDS.get(sqlstate) or _KINDS.get(sqlstate[:2]) or StoreMistake


def _of_server(error: asyncpg.PostgresError) -> Exception:
    sqlstate = error.sqlstate or "XX000"
    message = f"{sqlstate} {str(error).splitlines()[0] if str(error) else type(error).__name__}"
    kind = kind_of(sqlstate)
    if issubclass(kind, (BadData, StoreMistake)):
        return kind(message, sqlstate)
    return kind(message)


_REMEDIES: Final = {
    "28": "check user, password and database in VTS_DATABASE__URL, and what pg_hba.conf lets in",
    "3D": "create the database, or check its name in VTS_DATABASE__URL",
}


def remedy(fault: Exception) -> str | None:
    """Return a fault of the store as one line: what it is, and what an operator does about it. None for a bug."""
    said = str(fault)
    match fault:
        case SharedSession():
            return f"{said}; set that in the pooler, or give PostgreSQL's own address in VTS_DATABASE__URL"
        case StoreRefused():
            advice = next((text for code, text in _REMEDIES.items() if said.startswith(code)), "")
            return f"PostgreSQL does not let us in: {said}; {advice or 'check VTS_DATABASE__URL'}"
        case NotMigrated():
            return f"{said}; run `vts db migrate`, or start `vts serve`"
        case StoreUnavailable():
            return f"PostgreSQL does not answer: {said}; is it running, and VTS_DATABASE__URL its address?"
        case StoreMistake(sqlstate="42501"):
            return f"the login may not do this: {said}; give it the rights (`vts doctor` names them), or another login"
        case _:
            return None


@contextmanager
def translated() -> Iterator[None]:
    """Let only our own faults leave this block. The driver's error stays behind as the cause."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _of_server(error) from error
    except asyncpg.ClientConfigurationError as error:
        raise StoreRefused(f"database.url: {error}") from error
    except asyncpg.InterfaceError as error:
        # The driver raises it both for a lost connection and for a misuse; only the first can end by itself.
        away = "closed" in str(error) or "released" in str(error)
        raise (StoreUnavailable(str(error)) if away else StoreMistake(str(error))) from error
    except (OSError, EOFError, TimeoutError, asyncio.CancelledError, asyncpg.InternalClientError) as error:
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
    except (ValueError, OverflowError, TypeError) as error:
        raise BadData(f"{type(error).__name__} while encoding a value", "22000") from error
