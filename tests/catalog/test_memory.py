"""The tables in memory: what they give back, what is provisional and for how long, what they cost."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vts.catalog.memory import UNPACKED_MAX, MemoryCatalog, pack, unpack
from vts.model.content import KINDS, Content, Player
from vts.model.day import DAY_US

NOW = 20_400 * DAY_US
PROVISIONAL = Content(None, None, False, False, True)
ARTWORK = Content(7, "artwork", False, False, False)
KEY = b"P" * 16

contents = st.builds(
    Content,
    st.none() | st.integers(0, 2**63 - 1),
    st.sampled_from((None, *KINDS)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@given(contents)
def test_a_content_survives_packing(content: Content) -> None:
    assert unpack(pack(content)) == content


@given(st.dictionaries(st.integers(1, 2**63 - 1), contents, max_size=20))
def test_what_was_put_in_is_there(known: dict[int, Content]) -> None:
    catalog = MemoryCatalog()
    catalog.apply(known.items(), ())
    assert {post_id: catalog.content(post_id) for post_id in known} == known
    assert catalog.sizes()["provisional"] == sum(content.provisional for content in known.values())


def test_more_kinds_of_contents_than_are_kept_ready() -> None:
    catalog = MemoryCatalog()
    catalog.apply([(n, Content(n, "blog", False, False, False)) for n in range(1, 2 * UNPACKED_MAX)], ())
    assert all(catalog.content(n) == Content(n, "blog", False, False, False) for n in range(1, 2 * UNPACKED_MAX))


def test_players_come_and_go() -> None:
    catalog = MemoryCatalog()
    catalog.put_player(KEY, Player(7, True))
    assert catalog.player(KEY) == Player(7, True)
    catalog.put_player(KEY, None)
    catalog.put_player(KEY, None)
    assert catalog.player(KEY) is None


def test_ready_is_after_the_first_load_even_of_nothing() -> None:
    catalog = MemoryCatalog()
    assert not catalog.ready
    catalog.revision = 0
    assert catalog.ready


# ---- provisional contents


def test_a_first_sight_is_forgotten_after_a_day() -> None:
    catalog = MemoryCatalog()
    assert catalog.register_provisional(1, NOW)
    assert catalog.register_provisional(2, NOW + 5)
    assert catalog.content(1) == PROVISIONAL
    assert catalog.forget(NOW + DAY_US - 1) == []
    assert catalog.forget(NOW + DAY_US) == [1]
    assert (catalog.content(1), catalog.content(2)) == (None, PROVISIONAL)


def test_what_the_store_has_is_forgotten_by_the_store_only() -> None:
    catalog = MemoryCatalog()
    catalog.register_provisional(1, NOW)
    catalog.put_content(1, PROVISIONAL)
    assert catalog.forget(NOW + 9 * DAY_US) == []
    assert catalog.sizes()["provisional"] == 1
    catalog.put_content(1, None)
    assert catalog.sizes() == {"contents": 0, "players": 0, "provisional": 0}


@pytest.mark.parametrize("settled", [ARTWORK, Content(None, None, False, False, False), None])
def test_a_second_viewer_a_service_or_a_removal_makes_room(settled: Content | None) -> None:
    catalog = MemoryCatalog(provisional_max=2)
    catalog.register_provisional(1, NOW)
    catalog.put_content(2, PROVISIONAL)
    catalog.put_content(2, settled)
    assert catalog.register_provisional(3, NOW)
    assert [catalog.content(n) for n in (1, 3)] == [PROVISIONAL] * 2
    assert catalog.register_provisional(4, NOW + DAY_US)  # the day of both is over
    assert [catalog.content(n) for n in (1, 3, 4)] == [None, None, PROVISIONAL]


def test_the_least_viewed_gives_way_to_a_first_sight() -> None:
    catalog = MemoryCatalog(provisional_max=3)
    catalog.register_provisional(1, NOW)
    catalog.put_content(2, PROVISIONAL)  # the store knows it
    catalog.register_provisional(3, NOW)
    for post_id in (1, 2, 2):
        catalog.note_view(post_id)
    for newcomer, gone in ((4, 3), (5, 4), (6, 5)):
        assert catalog.register_provisional(newcomer, NOW)
        assert catalog.content(gone) is None
    assert [catalog.content(n) for n in (1, 2, 6)] == [PROVISIONAL] * 3
    catalog.note_view(6)
    catalog.note_view(6)
    assert catalog.register_provisional(7, NOW)
    assert catalog.content(1) is None  # of all it was viewed least
    assert catalog.sizes()["provisional"] == 3


def test_without_any_place_nothing_is_registered() -> None:
    assert not MemoryCatalog(provisional_max=0).register_provisional(1, NOW)


def test_a_whole_catalog_keeps_what_was_sighted_and_nothing_else() -> None:
    catalog, whole = MemoryCatalog(), MemoryCatalog()
    catalog.apply([(1, ARTWORK), (2, PROVISIONAL)], [(KEY, Player(7, True))])
    catalog.register_provisional(3, NOW)
    catalog.register_provisional(4, NOW)
    whole.apply([(4, ARTWORK), (5, PROVISIONAL)], ())
    catalog.replace(whole)
    assert [catalog.content(n) for n in (1, 2, 3, 4, 5)] == [None, None, PROVISIONAL, ARTWORK, PROVISIONAL]
    assert catalog.player(KEY) is None
    assert catalog.sizes()["provisional"] == 2
    assert catalog.forget(NOW + DAY_US) == [3]
    assert whole.sizes()["contents"] == 4
    while whole.shrink(1):
        pass
    assert whole.sizes()["contents"] == 0


def test_a_content_costs_about_a_hundred_bytes() -> None:
    tracemalloc.start()
    catalog = MemoryCatalog()
    catalog.apply(((10**7 + n, Content(10**6 + n % 5_000, "artwork", False, False, False)) for n in range(50_000)), ())
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / 50_000 < 140


def test_a_player_is_found_by_its_credential_until_it_has_another() -> None:
    memory = MemoryCatalog()
    memory.put_player(b"A" * 16, Player(7, True, credential_hash=b"1" * 32))
    memory.put_player(b"B" * 16, Player(7, True))
    assert (memory.player_with(b"1" * 32), memory.player_with(b"")) == (b"A" * 16, None)
    memory.put_player(b"A" * 16, Player(7, True, credential_hash=b"2" * 32))
    memory.put_player(b"B" * 16, Player(7, True, credential_hash=b"1" * 32))
    assert (memory.player_with(b"1" * 32), memory.player_with(b"2" * 32)) == (b"B" * 16, b"A" * 16)
    memory.put_player(b"A" * 16, None)
    assert memory.player_with(b"2" * 32) is None
    memory.put_player(b"D" * 16, Player(8, True, credential_hash=b"1" * 32))
    assert memory.player_with(b"1" * 32) is None, "a credential that two players have identifies neither"
    whole = MemoryCatalog()
    whole.put_player(b"C" * 16, Player(7, True, credential_hash=b"3" * 32))
    memory.replace(whole)
    assert (memory.player_with(b"1" * 32), memory.player_with(b"3" * 32)) == (None, b"C" * 16)
    while whole.shrink(1):
        pass
    assert whole.player_with(b"1" * 32) is None
