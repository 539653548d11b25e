"""Keys that rotate, on a clock that jumps: what a process makes of them, and what its file says."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from supervisors.tree import visitor_keys
from supervisors.tree.visitor_keys import Rotation, load_key
from tests.support.clocks import jump
from tests.support.waiting import until
from vts.capture.events.view_fields import View
from vts.capture.events.views import WebReports
from vts.capture.events.visitors import Arrival
from vts.capture.http.request import CaptureHead, Route
from vts.catalog.memory import MemoryCatalog
from vts.enrich.country import Countries
from vts.enrich.enrich import Enricher
from vts.enrich.rotation import RotatingKey
from vts.enrich.timezones import TimeZones
from vts.enrich.viewer import ViewerKeys
from vts.model.day import DAY_US, HOUR_US
from vts.model.faults import BadStart
from vts.model.principal import Principal

TODAY = 20_500
NIGHT_US = (TODAY + 1) * DAY_US
HOUR_S = 3600


class KeptKey:
    """An enricher, its clock a second before midnight, and its file."""

    def __init__(self, folder: Path, secret: bytes = b"") -> None:
        self.path = folder / "visitors.key"
        self.secret = secret
        self.now_us = NIGHT_US - HOUR_US
        self.began_s: float | None = None

    def clock(self) -> int:
        return self.now_us if self.began_s is None else self.now_us + round((trio.current_time() - self.began_s) * 1e6)

    def start(self, window_days: int = 1) -> tuple[Enricher, Rotation]:
        enricher = plain_enricher()
        return enricher, Rotation(enricher, self.clock, window_days, self.path, self.secret)


def plain_enricher() -> Enricher:
    return Enricher(keys=ViewerKeys(b"v" * 32), countries=Countries(None), zones=TimeZones())


def visitor_of(enricher: Enricher) -> bytes:
    return enricher.web("203.0.113.7", [], "agent", None, None, None).viewer_key


@pytest.fixture
def kept_key(tmp_path: Path) -> KeptKey:
    return KeptKey(tmp_path)


async def test_at_midnight_a_visitor_is_another_and_a_user_the_same(kept_key: KeptKey, hand_clock: MockClock) -> None:
    enricher, actor = kept_key.start()
    kept_key.began_s = trio.current_time()
    user = Principal(7, frozenset({"user"}))
    reports = WebReports(enricher, MemoryCatalog(), lambda name: None)
    head = CaptureHead(Route.VIEW, "POST", "/api/view", "", "203.0.113.7")

    def seen(principal: Principal | None = None) -> bytes:
        return reports.make(Arrival(head, principal, kept_key.clock()), View(post_id=1), 1, "intentional").viewer_key

    before, named = seen(), seen(user)
    async with trio.open_nursery() as nursery:
        await nursery.start(actor.run)
        await jump(hand_clock, HOUR_S - 60)
        assert seen() == before
        old = kept_key.path.read_text()
        await jump(hand_clock, 61)
        await until(lambda: old != kept_key.path.read_text())
        assert seen() != before  # over the same connection, whose visitor was remembered
        assert seen(user) == named
        assert enricher.rotating_version == load_key(kept_key.path).version  # type: ignore[union-attr]
        assert old.split()[1] not in kept_key.path.read_text()
        nursery.cancel_scope.cancel()


def test_a_restart_goes_on_with_the_key_of_the_window(kept_key: KeptKey) -> None:
    first, _ = kept_key.start(7)
    again, _ = kept_key.start(7)
    assert visitor_of(first) == visitor_of(again)
    assert kept_key.path.stat().st_mode & 0o777 == 0o600
    kept_key.now_us += 7 * DAY_US
    later, _ = kept_key.start(7)
    assert visitor_of(later) != visitor_of(first)


def test_kept_keys_share_visitors_when_they_share_a_secret(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        kept_key = KeptKey(tmp_path / name, secret=b"s" * 32)
        found.append(visitor_of(kept_key.start()[0]))
        assert not kept_key.path.exists()  # the keys of every window follow from the secret
    alone = visitor_of(KeptKey(tmp_path).start()[0])
    assert found[0] == found[1] != alone


async def test_a_full_disk_delays_the_file_and_not_the_turn(
    kept_key: KeptKey, hand_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    enricher, actor = kept_key.start()
    kept_key.began_s = trio.current_time()
    before, write = visitor_of(enricher), visitor_keys.replace_secret
    tries = []

    def full(path: Path, content: bytes) -> None:
        tries.append(content)
        raise OSError(28, "No space left on device")

    async with trio.open_nursery() as nursery:
        await nursery.start(actor.run)
        monkeypatch.setattr(visitor_keys, "replace_secret", full)
        await jump(hand_clock, HOUR_S + 1)
        await until(lambda: tries)
        turned = visitor_of(enricher)
        assert turned != before
        assert load_key(kept_key.path).day == TODAY  # type: ignore[union-attr]
        with pytest.raises(BadStart, match="No space left"):
            kept_key.start()
        monkeypatch.setattr(visitor_keys, "replace_secret", write)
        await jump(hand_clock, visitor_keys.LOOK_S + 1)
        await until(lambda: load_key(kept_key.path).day == TODAY + 1)  # type: ignore[union-attr]
        assert visitor_of(enricher) == turned
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("content", ["", "x", "20500", "20500 zz", "20500 aabb", "1 " + "00" * 32, "é"])
def test_a_file_that_holds_no_key_stops_the_start(kept_key: KeptKey, content: str) -> None:
    kept_key.path.write_text(content)
    with pytest.raises(BadStart, match=r"visitors\.key"):
        kept_key.start()


def test_what_is_kept_is_what_is_read(kept_key: KeptKey) -> None:
    kept_key.start(30)
    kept = load_key(kept_key.path)
    assert kept is not None
    assert kept == RotatingKey(kept.day, kept.key)
    assert kept.day == TODAY  # a window that began before the first start begins with it
