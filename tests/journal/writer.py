"""A process that appends to a journal and says what was acknowledged. `writer PATH forever FIRST | limit | fill`."""

from __future__ import annotations

import itertools
import os
import resource
import sys
from pathlib import Path

import trio

from tests.journal.stories import event, running
from tests.support.waiting import until
from vts.journal.journal import Journal
from vts.model.faults import JournalFull


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def append(journal: Journal, number: int) -> bool:
    try:
        await journal.append([event(number)])
    except JournalFull as fault:
        say("refused", number, fault)
        return False
    say("acked", number)
    return True


async def forever(path: Path, first: int) -> None:
    numbers = iter(range(first, first + 1_000_000))

    async def client(journal: Journal) -> None:
        for number in numbers:
            await append(journal, number)

    async with running(path) as journal, trio.open_nursery() as nursery:
        say("ready")
        for _ in range(16):
            nursery.start_soon(client, journal)


async def against_a_wall(path: Path, how: str) -> None:
    """Write, lose the room, be refused, get the room back, write again: without a restart."""
    ballast = path.with_name("ballast")
    async with running(path) as journal:
        for number in range(100):
            assert await append(journal, number)
        if how == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        else:
            fill(ballast)
        number = 100
        refusals = 0
        while refusals < 20:
            if not await append(journal, number):
                refusals += 1
                await trio.sleep(0.03)  # some come within the pause after a refusal, some after it
            number += 1
        if how == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        else:
            ballast.unlink()
        say("healed")
        numbers = itertools.count(number)
        await until(lambda: append(journal, next(numbers)))
        for more in range(200):
            assert await append(journal, next(numbers)), more


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


if __name__ == "__main__":
    if sys.argv[2] == "forever":
        trio.run(forever, Path(sys.argv[1]), int(sys.argv[3]))
    else:
        trio.run(against_a_wall, Path(sys.argv[1]), sys.argv[2])
