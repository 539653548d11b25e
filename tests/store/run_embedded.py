"""A process that runs the embedded server, to be killed by a test: python -m tests.store.run_embedded DATA SHARED."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

import trio

from vts.store.server.embedded import Embedded
from vts.store.server.layout import find_layout
from vts.store.session.connection import asyncpg_loop


def say(line: str) -> None:
    print(json.dumps({"said": line}), flush=True)


async def main(data_dir: Path, shared: Path) -> None:
    embedded = Embedded(data_dir, say=say, find_layout=functools.partial(find_layout, shared=shared))
    async with asyncpg_loop(), trio.open_nursery() as nursery:
        await nursery.start(embedded.run)
        print(json.dumps({"pid": embedded.pid, "data": str(embedded.data), "url": embedded.url()}), flush=True)
        await embedded.wait_ready()
        print(json.dumps({"ready": True}), flush=True)


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), Path(sys.argv[2]))
