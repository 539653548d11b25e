"""How large a batch of the drain may be, and how long it waits before the next one."""

from __future__ import annotations

from typing import Final, NamedTuple

BATCH_ROWS: Final = 10_000  # a quarter of a second of work: what a stop has to wait for
LINGER_S: Final = 0.05  # under load a small batch waits for more rows: 50 rows cost PostgreSQL what 500 do
FLOOD_LINGER_S: Final = 0.25  # the most: a quarter of a second of the second that we have
FLOOD_ROWS: Final = 5_000  # which a batch as large as this earns: ten thousand a second and more


class Pace(NamedTuple):
    """`linger_s` is the shortest pause after a batch, unless there is a backlog."""

    batch_rows: int = BATCH_ROWS
    linger_s: float = LINGER_S

    def pause_s(self, *, depth: int, stored: int) -> float:
        """Return how long to wait after a batch of `stored` records, while `depth` more wait in the journal."""
        if depth >= self.batch_rows // 2:
            return 0.0  # there is a backlog
        return max(self.linger_s, FLOOD_LINGER_S * min(1.0, stored / FLOOD_ROWS))


DEFAULT_PACE: Final = Pace()
