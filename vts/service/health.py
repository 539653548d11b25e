"""How the process is: whether it accepts events, and the state of each component, in words for operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from vts.catalog.memory import MemoryCatalog
from vts.journal.journal import Journal
from vts.store.drain.actor import Drain
from vts.store.drain.waterline import Waterline
from vts.store.schema.migrate import Migrator

REFUSED: Final = "does not let us in: `vts doctor` says why"
BROKER_WORDS: Final = {
    "ok": "connected",
    "not connected": "connecting",
    "standby": "standby: another process reads it",
    None: "none",
}
DATABASE_ACTORS: Final = ("drain", "catalog", "notices")

States = Mapping[str, str]
"""Actor → "ok", "down" or "refused", as supervision saw it last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHealth:
    """The state of the database as the actors that use it see it."""

    states: States
    migrator: Migrator
    waterline: Waterline
    drain: Drain
    embedded: bool

    def state(self) -> str:
        """Return "ok", or what is wrong."""
        if not self.migrator.done.is_set():
            return REFUSED if self.migrator.refusal else "starting"
        if self.waterline.is_behind:
            return "gone back: what it lacks is being replayed"
        found = {self.states.get(name) for name in DATABASE_ACTORS}
        if "refused" in found:
            return REFUSED
        return "ok" if found == {"ok"} and self.drain.connected else "not answering"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`broker_state` returns "ok", what is wrong, or None when no broker is set. `metrics` is the text exposition."""

    states: States
    catalog: MemoryCatalog
    journal: Journal
    database: DatabaseHealth
    broker_state: Callable[[], str | None]
    metrics: Callable[[], bytes]

    def accepting(self) -> bool:
        """Return whether an event that arrives now can be acknowledged."""
        return self.catalog.ready and not self.journal.refusing

    def readiness(self) -> dict[str, str]:
        """Return component → "ok" or what is wrong with it."""
        states = dict(self.states)
        states["database"] = self.database.state()
        if states.get("drain") == "ok":
            states["drain"] = self.database.drain.state(self.journal.oldest_age_s)
        states["catalog_loaded"] = "ok" if self.catalog.ready else "no catalog yet"
        states["journal"] = self._journal_state()
        broker = self.broker_state()
        return states if broker is None else states | {"mqtt": broker}

    def status(self) -> dict[str, Any]:
        """Return what the first page shows: name → value."""
        sizes, broker = self.catalog.sizes(), self.broker_state()
        return {
            "Events": "accepted" if self.accepting() else "refused",
            "Database": ("embedded, " if self.database.embedded else "yours, ") + self.database.state(),
            "MQTT broker": BROKER_WORDS.get(broker, broker),
            "Contents": sizes["contents"],
            "Players": sizes["players"],
            "Waiting in the journal": self.journal.depth,
        }

    def _journal_state(self) -> str:
        if self.journal.refusing:
            return "refusing"
        return "rows were set aside: run `vts journal check`" if self.journal.quarantined else "ok"
