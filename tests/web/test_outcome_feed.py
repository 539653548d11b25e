"""Single events and what became of them: shown while they are read, and not kept otherwise."""

from __future__ import annotations

from tests.admit.world import DELETED, catalog, gate, visit
from vts.admit.admission import Admission
from vts.admit.texts import JournaledTexts
from vts.model.outcome import Outcome, Reason
from vts.service.outcome_feed import KEPT, DecidedEvent, OutcomeFeed


class Counting:
    """An admission with a feed, whose journal keeps everything at once."""

    def __init__(self) -> None:
        self.feed = OutcomeFeed(lambda: 1_700_000_000_000_000)
        known = catalog()
        self.admission = Admission(
            gate(known),
            lambda records, settled: settled(None),
            JournaledTexts(known),
            lambda: visit().arrived_us,
            lambda *counted: None,
            observer=self.feed,
        )
        self.refused = self.feed.counting(lambda *counted: None)

    def see(self, post_id: int, country: str | None = None) -> Outcome:
        found: list[Outcome] = []
        self.admission.submit_one_soon(visit(post_id, country_code=country), found.append)
        return found[0]


async def test_nothing_is_kept_until_a_reader_comes() -> None:
    world = Counting()
    world.see(1)
    events = world.feed.events()
    assert await anext(events) == (0, [])
    world.see(1, "BR")
    world.see(DELETED)
    await world.admission.submit([visit(2), visit(DELETED)])
    world.refused("web", Reason.INVALID, "post_id: must be positive")
    missed, found = await anext(events)
    assert missed == 0
    assert [(one.outcome, one.post_id, one.detail) for one in found] == [
        ("accepted", 1, None),
        ("deleted", DELETED, None),
        ("accepted", 2, None),
        ("deleted", DELETED, None),
        ("invalid", None, "post_id: must be positive"),
    ]
    assert found[0].country == "BR"
    assert "viewer" not in " ".join(DecidedEvent.__struct_fields__)
    await events.aclose()


async def test_a_slow_reader_is_told_how_many_it_missed() -> None:
    world = Counting()
    events = world.feed.events()
    await anext(events)
    for _ in range(KEPT + 7):
        world.refused("web", Reason.BOT, None)
    missed, found = await anext(events)
    assert (missed, len(found)) == (7, KEPT)
    await events.aclose()


async def test_a_quiet_line_has_a_heartbeat(autojump_clock: object) -> None:
    events = Counting().feed.events()
    assert await anext(events) == (0, [])
    assert await anext(events) == (0, [])
    await events.aclose()
