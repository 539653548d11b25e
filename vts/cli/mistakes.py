"""Which errors are an operator's mistake: one line on standard error, no traceback; every other error is a bug."""

from __future__ import annotations

from typing import Any, Final

import click

from vts.model.faults import BadStart
from vts.store.session.faults import BadData, StoreMistake, StoreUnavailable, remedy

EXIT_CANNOT: Final = 2
EXIT_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells have it


class CannotRun(click.ClickException):
    """The command cannot do its work with this configuration, database or data folder."""

    exit_code = EXIT_CANNOT


class Commands(click.Group):
    """A group whose commands say what went wrong outside of VTS in one line.

    2: configuration, database or data folder; 1: a file, or a server that does not answer; 130: interrupted.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise SystemExit(EXIT_INTERRUPTED) from None
        except Exception as fault:
            said = mistake(fault)
            if said is None:
                raise
            raise said from None
        except BaseExceptionGroup as group:  # Ctrl-C in a trio program arrives inside the groups of its nurseries
            if group.split(KeyboardInterrupt)[0] is None:
                raise
            raise SystemExit(EXIT_INTERRUPTED) from None


def mistake(fault: BaseException) -> click.ClickException | None:
    """Return the line for a fault of the world outside; None for what may be a bug of ours."""
    while isinstance(fault, BaseExceptionGroup) and len(fault.exceptions) == 1:
        fault = fault.exceptions[0]
    match fault:
        case BadStart():
            return CannotRun(str(fault))
        case StoreUnavailable() | StoreMistake() | BadData() if line := remedy(fault):
            return CannotRun(line)
        case OSError() if not isinstance(fault, BrokenPipeError):
            return click.ClickException(said_of(fault))
        case _:
            return None


def said_of(fault: OSError) -> str:
    """Return what the system says, with the file that it speaks of."""
    what = fault.strerror or str(fault) or type(fault).__name__
    return f"{fault.filename}: {what}" if fault.filename else what
