"""`vts`: every command, its options, and nothing of what it does."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import click

from config.load import describe
from config.settings import Settings
from vts.auth.issuing import parse_ttl, roles_of
from vts.cli.bench.commands import bench
from vts.cli.client import TOKEN, URL
from vts.cli.common import bearer_of, read_layers, read_settings, tokens_of, url_of
from vts.cli.mistakes import Commands
from vts.model.principal import ROLES
from vts.query.export.table import FORMATS

LINK_ROLES = tuple(role for role in ROLES if role != "service")


class Ttl(click.ParamType[int]):
    """A lifetime like 90s, 10m, 1h or 30d, as seconds."""

    name = "lifetime"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return seconds, or fail with what is allowed."""
        if isinstance(value, int):
            return value
        try:
            return parse_ttl(str(value))
        except ValueError as fault:
            self.fail(str(fault), param, ctx)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vts", message="%(version)s")
def main() -> None:
    """VTS counts views, live and exactly. Start with `vts serve`."""


main.add_command(bench)


@main.command()
@click.option(
    "--ready-file", type=click.Path(path_type=Path), help="Write the URLs here as JSON once events are accepted."
)
def serve(ready_file: Path | None) -> None:
    """Run everything in one supervised process."""
    from vts.cli import serve as command

    raise SystemExit(command.run(read_settings(), ready_file))


@main.command()
def config() -> None:
    """Print the effective settings, where each comes from, secrets masked."""
    for name, value, origin in describe(read_layers()):
        click.echo(f"{name} = {value}  # {origin}")


@main.group()
def db() -> None:
    """Look after the database's schema."""


@db.command("migrate")
def db_migrate() -> None:
    """Apply the migrations that are missing."""
    from vts.cli import db as command

    command.migrate(read_settings())


@db.command("status")
def db_status() -> None:
    """Say which migrations are applied."""
    from vts.cli import db as command

    command.status(read_settings())


@main.command()
@click.option("--user", help="The user that the token speaks for: a number or a text.")
@click.option(
    "--role", "roles", multiple=True, type=click.Choice(ROLES), help="May be given several times; default: user."
)
@click.option("--service", is_flag=True, help="A token for the host application: writes the catalog, reads everything.")
@click.option("--ttl", type=Ttl(), default="1h", show_default=True, help="Lifetime: 90s, 10m, 1h, 30d.")
def token(user: str | None, roles: tuple[str, ...], service: bool, ttl: int) -> None:
    """Print a token."""
    if user is None and not service:
        raise click.UsageError("give --user, or --service")
    chosen = roles_of(roles, service=service)
    tokens = tokens_of(read_settings())
    try:
        click.echo(tokens.issue(user_id=user, roles=chosen, now_s=time.time(), ttl_s=ttl))
    except ValueError:
        raise click.BadParameter(
            "a positive integer outside 2^61 to 2^62, or a text of up to 128 characters", param_hint="--user"
        ) from None


@main.command("login-link")
@click.option("--user", help="The user whom it signs in: a number or a text; default: an operator of the site.")
@click.option(
    "--role", "roles", multiple=True, type=click.Choice(LINK_ROLES), help="Default: owner; with --user: user."
)
@URL
@TOKEN
def login_link(user: str | None, roles: tuple[str, ...], url: str | None, token: str | None) -> None:
    """Print a one-time link into the dashboard of a running VTS."""
    from vts.cli import login_link as command

    address, bearer = _running(read_settings(), url, token)
    command.run(address, bearer, user, roles)


@main.command()
@URL
@TOKEN
@click.option("--posts", type=click.IntRange(1, 1_000_000), default=200, show_default=True)
@click.option("--players", type=click.IntRange(0, 10_000), default=20, show_default=True)
@click.option("--views", type=click.IntRange(1, 10_000_000), help="Of all days; default: 100 for each content.")
@click.option("--days", type=click.IntRange(1, 3_650), default=365, show_default=True, help="Up to today.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same number makes the same site.")
@click.option("--beside", is_flag=True, help="Also into a catalog that has other contents.")
@click.option("--remove", is_flag=True, help="Take the demo site out again.")
def seed(
    url: str | None,
    token: str | None,
    posts: int,
    players: int,
    views: int | None,
    days: int,
    seed: int,
    beside: bool,
    remove: bool,
) -> None:
    """Fill a running VTS with a demo site of a year, in a range of names of its own."""
    from vts.cli import seed as command
    from vts.cli.seed_site import DemoSite

    settings = read_settings()
    address, bearer = _running(settings, url, token)
    if remove:
        command.remove(address, bearer)
        return
    now = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0)
    site = DemoSite(seed=seed, until=now, posts=posts, players=players, views=views or 100 * posts, days=days)
    command.run(address, bearer, site, raw_days=settings.retention.raw_days, beside=beside)


@main.command()
@click.argument("topics", nargs=-1, required=True)
@URL
@TOKEN
@click.option("--count", type=click.IntRange(1), help="Stop after so many messages.")
def watch(topics: tuple[str, ...], url: str | None, token: str | None, count: int | None) -> None:
    """Follow live counts: `vts watch post:42 blog:1030 top`."""
    from vts.cli import watch as command

    names = command.checked(topics)
    address, bearer = _running(read_settings(), url, token)
    command.run(address, names, bearer, count)


DAY = click.DateTime(["%Y-%m-%d"])


@main.command()
@click.option("--from", "first", type=DAY, help="The first UTC day; default: the oldest that has raw rows.")
@click.option("--to", "last", type=DAY, help="The last UTC day; default: yesterday.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--wait", "wait_s", type=click.FloatRange(0), default=900, help="Seconds for another one to end; 900.")
def rollup(first: dt.datetime | None, last: dt.datetime | None, dry_run: bool, wait_s: float) -> None:
    """Count closed days anew from their raw rows, as the roller of a running VTS does every night."""
    from vts.cli import rollup as command

    if first and last and last < first:
        raise click.UsageError("--to is before --from")
    command.run(read_settings(), first and first.date(), last and last.date(), dry_run, wait_s)


@main.command()
@click.argument("table")
@URL
@TOKEN
@click.option("--from", "first", type=DAY, help="The first UTC day; default: all days.")
@click.option("--to", "last", type=DAY, help="The last UTC day.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: by the file's suffix, else csv.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Default: standard output.")
def export(
    table: str,
    url: str | None,
    token: str | None,
    first: dt.datetime | None,
    last: dt.datetime | None,
    form: str | None,
    output: Path | None,
) -> None:
    """Write a table of a running VTS: `vts export post_stats_daily -o stats.parquet`."""
    from vts.cli import export as command

    address, bearer = _running(read_settings(), url, token)
    days = {"from": first, "to": last}
    params = {name: str(day.date()) for name, day in days.items() if day}
    params["format"] = command.format_of(form, output, FORMATS)
    command.run(address, bearer, table, params, output)


@main.command()
@click.option("--user", required=True, help="The person's user id: a number or a text.")
@URL
@TOKEN
@click.confirmation_option(prompt="Erase everything that is kept about this person? Counts stay.")
def erase(user: str, url: str | None, token: str | None) -> None:
    """Erase a person's data from a running VTS: rows, journal, dead letters; counts stay."""
    from vts.cli import erase as command

    command.check(user)
    address, bearer = _running(read_settings(), url, token)
    command.run(address, bearer, user)


@main.group()
def journal() -> None:
    """Look at the journal, mend it, and settle what it had to set aside."""


@journal.command("check")
def journal_check() -> None:
    """Prove every row, and show what was set aside; beside a running VTS, too."""
    from vts.cli import journal as command

    raise SystemExit(command.look(read_settings()))


@journal.command("repair")
def journal_repair() -> None:
    """Make a damaged journal anew of its intact rows. VTS must be stopped."""
    from vts.cli import journal as command

    command.repair(read_settings())


@journal.command("count")
def journal_count() -> None:
    """Count the events that are held because they may have been counted before their day was dropped."""
    from vts.cli import journal as command

    command.count(read_settings())


@journal.command("discard")
@click.confirmation_option(prompt="Remove everything that was set aside?")
def journal_discard() -> None:
    """Remove the events that are held, the entries of the quarantine, and the damaged files."""
    from vts.cli import journal as command

    command.discard(read_settings())


@main.group()
def geoip() -> None:
    """Look after the file that says in which country an address is."""


@geoip.command("status")
def geoip_status() -> None:
    """Show the country file in use: its type, its age, and a few look-ups."""
    from vts.cli import geoip as command

    raise SystemExit(command.status(read_settings()))


@geoip.command("update")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def geoip_update(file: Path) -> None:
    """Check FILE (.mmdb, also gzipped), put it in place, and have the running VTS read it."""
    from vts.cli import geoip as command

    command.update(read_settings(), file)


@main.command()
def doctor() -> None:
    """Check settings, database, broker, clock and disk, and say what to do."""
    from vts.cli import doctor as command

    raise SystemExit(command.run(read_settings()))


def _running(settings: Settings, url: str | None, token: str | None) -> tuple[str, str]:
    return url or url_of(settings), bearer_of(settings, token)
