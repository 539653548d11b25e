"""The register of advisory locks. Each number has one meaning, so a count of a lock's holders counts nothing else.

Those of two halves are taken as `pg_advisory_lock(first, second)`; the first half is the number here. They end with the
session or the transaction that took them. `make_day` in the migrations has its number in its text.
"""

from __future__ import annotations

from typing import Final

PARTITIONS: Final = 7283  # (this, 1): make or drop a day's partitions; (this, 2): look for version-4 ids on other days
DAY: Final = 7284  # (this, day number): change rows of a day, to the end of the transaction
BROKER_READER: Final = 7285  # (this, hash of the broker session's name): read the broker
VIEWER_KEYS: Final = 7286  # (this, name of the keys): shared by the processes that know viewers by these keys
ROLLUP: Final = 7287  # (this, 1): roll days up and drop their raw rows
ANALYTICS: Final = 7288  # (this, day number): replace the analytics of a day
CATALOG_COUNTS: Final = 7289  # (this, 1): count contents and players anew
IMPORT: Final = 7290  # (this, hash of the import's id): apply an import
BROKER_SOUGHT: Final = 7291  # (this, hash of the broker session's name): the reader has lost the broker
BROKER_REACHED: Final = 7292  # the same, shared: a standby reaches the broker
ONCE: Final = 7293  # (this, day number): store views of which a viewer and content have one on that day
PRESENCE: Final = 7294  # (this, 1): write players' last status
REACTIONS: Final = 7295  # (this, a content's number modulo 1,024): change reactions and comments of contents
TOTALS: Final = 7296  # (this, 1): add changes of rolled days up

# The keys of one half are a space of their own: 64 bits.
MIGRATE: Final = 0x5654_535F_4D49_4752  # "VTS_MIGR": bring the schema up to date
