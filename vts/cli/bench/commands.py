"""`vts bench …`: its commands and their options, and nothing of what they do."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from config.load import TOKEN_NAME

if TYPE_CHECKING:
    from vts.cli.bench.options import Options
    from vts.cli.bench.report import BenchReport

F = TypeVar("F", bound=Callable[..., Any])

HTTP_S, LONG_S = 10.0, 30.0
SECONDS = click.FloatRange(0.1, 3600)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def bench() -> None:
    """Measure this machine's VTS beside references of the same run.

    Each benchmark starts a private VTS with its own data folder and ends it; --url measures a running one. It ends with
    1 when an event was lost or counted twice.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # what it has started ends with it


def shared(seconds: float, connections: int, players: int = 0) -> Callable[[F], F]:
    """Add the options that every load of events has."""
    return _all(
        click.option("--runs", type=click.IntRange(1, 100), default=5, show_default=True),
        click.option("--seconds", type=SECONDS, default=seconds, show_default=True, help="Of load, in each run."),
        click.option("--connections", type=click.IntRange(1, 10_000), default=connections, show_default=True),
        click.option("--posts", type=click.IntRange(1, 1_000_000), default=1_000, show_default=True, help="Viewed."),
        click.option("--contents", type=click.IntRange(0, 10_000_000), default=0, help="Registered; at least --posts."),
        click.option(
            "--players",
            type=click.IntRange(1 if players else 0, 1_000_000),
            default=players,
            show_default=True,
            help="Registered before the load, each with a view of its own.",
        ),
        AS_JSON,
    )


def references(command: F) -> F:
    """Add the options of loads that have references."""
    return _all(
        click.option("--no-references", is_flag=True, help="Measure VTS alone."),
        click.option("--reference-seconds", type=SECONDS, help="Of each reference, in each run; default: as the load."),
    )(command)


def running(command: F) -> F:
    """Add the options of loads that a VTS with limits takes, too: a service may send what it likes."""
    return _all(
        click.option("--url", help="A running VTS instead of a private one; what is counted there stays counted."),
        click.option("--token", help="A service token for --url; default: VTS_TOKEN, else one by the settings."),
    )(command)


def _all(*options: Callable[[F], F]) -> Callable[[F], F]:
    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


VIEWERS = click.option(
    "--viewers",
    type=click.IntRange(0, 1 << 24),
    default=0,
    show_default=True,
    help="Addresses that the load comes from, by X-Forwarded-For; 0: the generator's.",
)


@bench.command()
@shared(HTTP_S, 128)
@references
@running
@VIEWERS
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
@references
@running
@VIEWERS
@click.option("--batch", type=click.IntRange(1, 500), default=100, show_default=True, help="Events of a request.")
def http_batch(as_json: bool, **chosen: Any) -> None:
    """Measure batches of events beside a COPY into the same PostgreSQL."""
    from vts.cli.bench import http as load

    _finish(load.batches(_options(**chosen)), as_json)


def window(default: int) -> Callable[[F], F]:
    """Add the option of publishers."""
    return click.option(
        "--window",
        type=click.IntRange(1, 1_000),
        default=default,
        show_default=True,
        help="Messages of a connection that wait for their PUBACK.",
    )


@bench.command()
@shared(LONG_S, 4, players=1_000)
@references
@window(100)
def mqtt(as_json: bool, **chosen: Any) -> None:
    """Measure players' views, QoS 1, through a private Mosquitto."""
    from vts.cli.bench import mqtt as load

    _finish(load.through_broker(_options(**chosen)), as_json)


@bench.command("mqtt-direct")
@shared(LONG_S, 128, players=1_000)
@references
@window(20)  # what Mosquitto lets be in flight unless told otherwise
@click.option(
    "--idle", type=click.IntRange(0, 15_000), default=0, show_default=True, help="Further players, who say nothing."
)
def mqtt_direct(as_json: bool, **chosen: Any) -> None:
    """Measure players' views, QoS 1, without a broker: every connection is a player."""
    from vts.cli.bench import mqtt as load

    if chosen["players"] < chosen["connections"] + chosen["idle"]:
        raise click.UsageError("--players: every connection is a player, so at least --connections + --idle are needed")
    _finish(load.direct(_options(**chosen)), as_json)


@bench.command()
@click.option("--runs", type=click.IntRange(1, 100), default=5, show_default=True)
@click.option("--seconds", type=SECONDS, default=LONG_S, show_default=True, help="Of load, in each run, twice.")
@click.option("--clients", type=click.IntRange(1, 10_000), default=1_000, show_default=True, help="WebSockets.")
@click.option("--topics", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Contents followed.")
@click.option("--changes", type=click.FloatRange(0.1, 100), default=4.0, show_default=True, help="A second and topic.")
@click.option("--per-s", type=click.FloatRange(1, 100_000), default=5_000.0, show_default=True, help="Views beside.")
@click.option("--connections", type=click.IntRange(1, 10_000), default=64, show_default=True, help="Of those views.")
@AS_JSON
def live(as_json: bool, changes: float, **chosen: Any) -> None:
    """Measure live counts: from a view's 202 to every screen that follows it, and what others feel of it."""
    from vts.cli.bench import live as load

    _finish(load.measure(_options(no_references=True, **chosen), changes), as_json)


@bench.command()
@click.option("--runs", type=click.IntRange(1, 100), default=5, show_default=True)
@click.option("--requests", type=click.IntRange(1, 100_000), default=300, show_default=True, help="Of each question.")
@click.option("--raw", type=click.IntRange(0, 1_000_000_000), default=1_000_000, show_default=True, help="Raw rows.")
@click.option("--daily", type=click.IntRange(0, 1_000_000_000), default=500_000, show_default=True, help="Daily rows.")
@click.option("--url", help="A running VTS instead of a private one with a data set of its own.")
@click.option("--token", help="A service token for --url; default: VTS_TOKEN, else one by the settings.")
@AS_JSON
def stats(as_json: bool, url: str | None, token: str | None, **chosen: Any) -> None:
    """Measure how long answers take over a large data set (10 million raw and 5 million daily rows: ten minutes)."""
    from vts.cli.bench import stats as load

    if url is None and token is not None:
        raise click.UsageError("--token belongs to --url")
    _finish(load.measure(url=url, token=token or (None if url is None else _own_token()), **chosen), as_json)


@bench.command()
@click.option("--views", type=click.IntRange(1, 1_000_000_000), default=1_000_000, show_default=True)
@AS_JSON
def rollup(as_json: bool, views: int) -> None:
    """Measure the roll-up of one day beside a plain GROUP BY of the same dimensions, and the drop of its raw rows."""
    from vts.cli.bench import rolling

    _finish(rolling.measure(views), as_json)


@bench.command()
@click.option("--seeds", type=click.IntRange(1, 1_000), default=20, show_default=True)
@AS_JSON
def sketches(as_json: bool, seeds: int) -> None:
    """Measure error and bytes of the sketches that could count unique viewers; two minutes for 20 seeds."""
    import msgspec

    from vts.cli.bench import sketches as load

    for kind in load.kinds():
        found = load.measure(kind, range(seeds))
        click.echo(msgspec.json.encode(found) if as_json else load.sentence_of(found))


def _options(
    *,
    no_references: bool = False,
    reference_seconds: float | None = None,
    url: str | None = None,
    token: str | None = None,
    **chosen: Any,
) -> Options:
    from vts.cli.bench.options import Options

    if url is None and token is not None:
        raise click.UsageError("--token belongs to --url")
    if url is not None and not url.startswith("http://"):
        raise click.UsageError("--url: http://host:port is expected")
    if url is not None and chosen.get("viewers"):
        raise click.UsageError("--viewers needs a private VTS, which believes the generator's X-Forwarded-For")
    return Options(
        references=not no_references,
        reference_seconds=reference_seconds or chosen["seconds"],
        url=url,
        token=token or (None if url is None else _own_token()),
        **chosen,
    )


def _own_token() -> str:
    from vts.cli.common import bearer_of, read_settings

    return bearer_of(read_settings(), os.environ.get(TOKEN_NAME))


def _finish(report: BenchReport, as_json: bool) -> None:
    import msgspec
    from rich.console import Console

    from vts.cli.bench.report import show

    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report.as_json()), indent=2))
    else:
        show(report, Console())
    raise SystemExit(0 if report.is_good else 1)
