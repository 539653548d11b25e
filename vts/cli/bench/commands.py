"""`vts bench …`: its commands and their options, and nothing of what they do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from vts.cli.bench.options import Options
    from vts.cli.bench.report import Report

F = TypeVar("F", bound=Callable[..., Any])

CONNECTIONS_MAX = 10_000
HTTP_S, LONG_S = 10.0, 30.0


@click.group()
def bench() -> None:
    """Measure this machine's VTS beside references of the same run.

    Each benchmark starts a private VTS with its own data folder and ends it; --url measures a running one. It ends with
    1 when an event was lost or counted twice.
    """


def shared(seconds: float, connections: int) -> Callable[[F], F]:
    """Add the options that every load has."""
    options = (
        click.option("--runs", type=click.IntRange(1, 100), default=5, show_default=True),
        click.option(
            "--seconds", type=click.FloatRange(0.1, 3600), default=seconds, show_default=True, help="Of load."
        ),
        click.option("--connections", type=click.IntRange(1, CONNECTIONS_MAX), default=connections, show_default=True),
        click.option(
            "--url", default=None, help="A running VTS instead of a private one; what is counted there stays."
        ),
        click.option("--token", default=None, help="A service token for --url; default: one by the settings."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--no-references", is_flag=True, help="Measure VTS alone."),
        click.option(
            "--reference-seconds",
            type=click.FloatRange(0.1, 3600),
            default=None,
            help="Of each reference, in each run; default: those of the load.",
        ),
        click.option("--posts", type=click.IntRange(1, 1_000_000), default=1_000, show_default=True, help="Viewed."),
        click.option(
            "--viewers",
            type=click.IntRange(0, 1 << 24),
            default=0,
            show_default=True,
            help="Addresses; 0: the generator's.",
        ),
        click.option(
            "--contents", type=click.IntRange(0, 10_000_000), default=0, help="Registered before; at least --posts."
        ),
        click.option(
            "--players", type=click.IntRange(0, 1_000_000), default=0, help="Registered before, each with a report."
        ),
    )

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@bench.command()
@shared(HTTP_S, 128)
@click.option(
    "--generator", type=click.Choice(["wrk", "own"]), default=None, help="Default: wrk where it is installed."
)
def http(as_json: bool, generator: str | None, **chosen: Any) -> None:
    """Measure single events, each durable before its 202, beside bare responders."""
    from vts.cli.bench import http as load
    from vts.cli.bench import wrk

    if generator == "wrk" and not wrk.is_here():
        raise click.UsageError("wrk is not installed (Debian: apt-get install wrk); --generator own needs nothing")
    if generator is None and not wrk.is_here():
        click.echo("wrk is not installed (Debian: apt-get install wrk): our own, slower generator is used", err=True)
    chosen["generator"] = generator or ("wrk" if wrk.is_here() else "own")
    _finish(load.singles(_options(**chosen)), as_json)


@bench.command("http-batch")
@shared(LONG_S, 16)
@click.option("--batch", type=click.IntRange(1, 500), default=100, show_default=True, help="Events of a request.")
def http_batch(as_json: bool, **chosen: Any) -> None:
    """Measure batches of events beside a COPY into the same PostgreSQL."""
    from vts.cli.bench import http as load

    _finish(load.batches(_options(**chosen)), as_json)


def _options(*, no_references: bool, reference_seconds: float | None, url: str | None, **chosen: Any) -> Options:
    from vts.cli.bench.options import Options
    from vts.cli.common import read_settings, service_token

    if url is not None and not url.startswith("http://"):
        raise click.UsageError("--url: http://host:port is expected")
    if url is not None and not chosen["token"]:
        chosen["token"] = service_token(read_settings())
    if url is None and chosen["token"]:
        raise click.UsageError("--token belongs to --url")
    return Options(
        references=not no_references, reference_seconds=reference_seconds or chosen["seconds"], url=url, **chosen
    )


def _finish(report: Report, as_json: bool) -> None:
    import msgspec
    from rich.console import Console

    from vts.cli.bench.report import show

    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report.as_json()), indent=2))
    else:
        show(report, Console())
    raise SystemExit(0 if report.is_good else 1)
