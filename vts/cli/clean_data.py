"""`make clean-data`: removes the data folder of this checkout, and its database where that lies elsewhere."""

from __future__ import annotations

import click

from config.load import CHECKOUT
from vts.model.faults import BadStart
from vts.store.server.orphans import remove


def main() -> None:
    """Remove and say what."""
    try:
        gone = remove(CHECKOUT / "var")
    except (BadStart, OSError) as fault:
        raise SystemExit(f"vts: {fault}") from None
    for path in gone:
        click.echo(f"removed {path}")
    if not gone:
        click.echo("nothing to remove")


if __name__ == "__main__":
    main()
