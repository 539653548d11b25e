"""Players that are connected and publish nothing, as a process: `python -m vts.cli.bench.idlers TASK` (JSON).

It says how many there are when all are connected, keeps them alive, and ends with its standard input.
"""

from __future__ import annotations

import select
import sys
from typing import Final

import mqtt5
import msgspec

from vts.cli.bench import publisher

PING_S: Final = 60.0


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """`players` connections of the players behind the first `behind` ones; how they log in says `as_they`."""

    as_they: publisher.Task
    behind: int
    players: int


def main() -> None:
    """Do the task of the command line."""
    task = msgspec.json.decode(sys.argv[1], type=Task)
    lines = [publisher.PublisherConnection(task.as_they, task.behind + number) for number in range(task.players)]
    print(len(lines), flush=True)
    while not select.select([sys.stdin], [], [], PING_S)[0]:
        for line in lines:
            line.socket.sendall(mqtt5.PingReqPacket().write())
            line.read()


if __name__ == "__main__":
    main()
