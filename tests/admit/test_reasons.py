"""Every reason, its edges, their order, and what uses up an allowance."""

from __future__ import annotations

import pytest

from tests.admit.world import (
    ARTWORK,
    DELETED,
    NOW,
    OWNED_PLAYER,
    OWNER,
    PLAYER,
    PROVISIONAL,
    REVOKED,
    UNKNOWN,
    S,
    admit,
    catalog,
    decide,
    gate,
    id_4,
    id_7,
    keep,
    lose,
    play,
    signed_in,
    visit,
    wait_s,
)
from vts.catalog.memory import MemoryCatalog
from vts.model import identity
from vts.model.day import DAY_US
from vts.model.view import Report

MINUTE = 60 * S
HOUR = 60 * MINUTE
FIRST_DAY = (NOW // DAY_US - 6) * DAY_US  # of seven raw days

TIMES = [
    ("now", visit(), "admitted"),
    ("own time of a v7 id", visit(event_id=id_7(NOW - HOUR)), "admitted"),
    ("5 min ahead", visit(event_id=id_7(NOW + 5 * MINUTE)), "admitted"),
    ("more than 5 min ahead", visit(event_id=id_7(NOW + 5 * MINUTE + 1000)), "invalid"),
    ("a player more than 5 min ahead", play(at=NOW + 5 * MINUTE + 1), "invalid"),
    ("in the year 10000", play(at=253_402_300_800 * S), "invalid"),
    ("before 1970", play(at=-1), "too_late"),
    ("before 1970, a service", visit(trusted=True, device_time_us=-5), "too_late"),
    ("far ahead, a service", visit(trusted=True, device_time_us=2**62), "invalid"),
    ("anonymous, 24 h ago", visit(event_id=id_7(NOW - 24 * HOUR)), "admitted"),
    ("anonymous, more than 24 h ago", visit(event_id=id_7(NOW - 24 * HOUR - 1000)), "too_late"),
    ("signed in, first raw day", signed_in(1, event_id=id_7(FIRST_DAY)), "admitted"),
    ("signed in, a day too old", signed_in(1, event_id=id_7(FIRST_DAY - 1000)), "too_late"),
    ("service, first raw day", visit(trusted=True, event_id=id_7(FIRST_DAY)), "admitted"),
    ("player, first raw day", play(at=FIRST_DAY), "admitted"),
    ("player, a day too old", play(at=FIRST_DAY - 1), "too_late"),
]

WHO = [
    ("unknown player", play(key=b"X" * 16), "authentication_failed"),
    ("revoked player", play(key=REVOKED), "authentication_failed"),
    ("bot", visit(bot="tool"), "bot"),
    ("bot with an id", visit(bot="tool", event_id=id_4(1)), "bot"),
    ("a service that looks like a bot", visit(bot="tool", trusted=True), "admitted"),
    ("deleted", visit(DELETED), "deleted"),
    ("deleted, player", play(DELETED), "deleted"),
    ("unknown", visit(UNKNOWN), "admitted"),
    ("unknown, player", play(UNKNOWN), "admitted"),
    ("owner", signed_in(OWNER), "author"),
    ("a service on behalf of the owner", visit(trusted=True, viewer_user_id=OWNER), "author"),
    ("owner's player", play(key=OWNED_PLAYER), "author"),
    ("owner's player, other content", play(1, key=OWNED_PLAYER), "admitted"),
    ("another user", signed_in(OWNER + 1), "admitted"),
    ("a player and a content without owners", play(PROVISIONAL), "admitted"),
]

ORDER = [  # two reasons at once: the earlier reason wins
    ("invalid before authentication_failed", play(at=NOW + HOUR, key=REVOKED), "invalid"),
    ("invalid before bot", visit(bot="tool", event_id=id_7(NOW + HOUR)), "invalid"),
    ("authentication_failed before too_late", play(at=1, key=REVOKED), "authentication_failed"),
    ("bot before too_late", visit(bot="tool", event_id=id_7(1000)), "bot"),
    ("bot before deleted", visit(DELETED, bot="tool"), "bot"),
    ("too_late before deleted", visit(DELETED, event_id=id_7(1000)), "too_late"),
]
CASES = TIMES + WHO + ORDER


@pytest.mark.parametrize(("report", "verdict"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_verdict(report: Report, verdict: str) -> None:
    assert decide(gate(), report) == verdict


@pytest.mark.parametrize("name", ["unknown player", "revoked player"])
def test_players_must_be_known_in_strict_mode_too(name: str) -> None:
    report = next(case[1] for case in WHO if case[0] == name)
    assert decide(gate(strict=True), report) == "authentication_failed"


def test_strict_mode_accepts_only_registered_contents() -> None:
    judge = gate(strict=True)
    assert decide(judge, visit(ARTWORK)) == "admitted"
    assert decide(judge, visit(UNKNOWN)) == "not_found"
    assert decide(judge, play(UNKNOWN)) == "not_found"
    assert decide(judge, visit(PROVISIONAL)) == "not_found"
    assert decide(judge, visit(DELETED)) == "deleted"


def test_without_a_catalog_views_are_unavailable() -> None:
    judge = gate(MemoryCatalog())
    assert decide(judge, visit()) == "unavailable"
    assert decide(judge, play(key=b"X" * 16)) == "unavailable"
    assert wait_s(judge, visit()) > 0
    assert decide(judge, visit(bot="tool")) == "bot"


# ---- identity and day


def test_a_visit_without_an_id_gets_one_of_version_7_of_its_time() -> None:
    event = admit(gate(), visit()).event
    assert (identity.version(event.event_id), event.event_id[8] >> 6) == (7, 0b10)
    assert identity.time_us(event.event_id) == NOW // 1000 * 1000
    assert (event.created_at, event.event_day) == (NOW, NOW // DAY_US)


def test_the_day_is_that_of_the_event() -> None:
    judge, yesterday = gate(), NOW - 20 * HOUR
    assert admit(judge, visit(event_id=id_7(yesterday))).event.event_day == yesterday // DAY_US
    assert admit(judge, play(at=yesterday)).event.event_day == yesterday // DAY_US
    assert admit(judge, play(2, at=yesterday + 9 * S, event_id=id_4(1))).event.event_day == yesterday // DAY_US
    assert admit(judge, visit(event_id=id_4(2))).event.event_day == NOW // DAY_US


def test_an_imported_view_without_an_id_gets_one_of_its_own_time() -> None:
    event = admit(gate(), visit(trusted=True, device_time_us=NOW - 30 * HOUR)).event
    assert identity.time_us(event.event_id) == event.created_at == NOW - 30 * HOUR


def test_a_player_with_a_clock_names_its_view_by_it() -> None:
    first, again = (admit(gate(), play(at=NOW - S)).event.event_id for _ in range(2))
    assert first == again
    assert identity.version(first) == 8
    assert admit(gate(), play(at=NOW - 2 * S)).event.event_id != first
    assert admit(gate(), play(1, at=NOW - S)).event.event_id != first


# ---- duplicates


@pytest.mark.parametrize("report", [visit(event_id=id_4(1)), visit(event_id=id_7(NOW - S)), play(at=NOW - S), play()])
def test_a_duplicate_of_a_durable_event_is_refused_and_one_of_a_pending_event_waits(report: Report) -> None:
    judge = gate()
    first = admit(judge, report)
    assert decide(judge, report) == "waiting"
    judge.confirm(first)
    assert decide(judge, report) == "duplicate"


@pytest.mark.parametrize("report", [visit(event_id=id_4(1)), play(at=NOW - S), play(), play(event_id=id_4(2))])
def test_what_was_lost_may_come_again(report: Report) -> None:
    judge = gate()
    lose(judge, report)
    keep(judge, report)
    assert decide(judge, report) == "duplicate"


def test_identity_is_of_the_post_too() -> None:
    judge = gate()
    keep(judge, visit(1, event_id=id_4(1)))
    assert decide(judge, visit(2, event_id=id_4(1))) == "admitted"


def test_a_duplicate_comes_before_limits_and_content_and_uses_nothing() -> None:
    judge, known = gate(web_burst=2), catalog()
    keep(judge, visit(event_id=id_4(1)))
    for _ in range(9):
        assert decide(judge, visit(event_id=id_4(1))) == "duplicate"
    assert decide(judge, visit()) == "admitted"
    assert decide(judge, visit()) == "rate_limited"
    assert decide(judge, visit(event_id=id_4(1))) == "duplicate"
    judge = gate(known)
    keep(judge, play(at=NOW))
    known.put_content(ARTWORK, None)
    assert decide(judge, play(at=NOW)) == "duplicate"


def test_a_player_without_a_clock_repeats_itself_for_a_minute() -> None:
    judge = gate()
    keep(judge, play())
    assert decide(judge, play(), NOW + 60 * S - 1) == "duplicate"
    assert decide(judge, play(1), NOW + 6 * S) == "admitted"
    assert decide(judge, play(key=OWNED_PLAYER, post_id=2), NOW + 6 * S) == "admitted"
    assert decide(judge, play(), NOW + 60 * S) == "admitted"


def test_no_client_can_pass_for_the_repeat_of_a_player() -> None:
    judge = gate()
    keep(judge, visit(event_id=PLAYER))
    assert decide(judge, play()) == "admitted"


def test_an_author_is_not_a_duplicate_of_itself() -> None:
    judge = gate()
    assert decide(judge, play(key=OWNED_PLAYER)) == "author"
    assert decide(judge, play(key=OWNED_PLAYER), NOW + 6 * S) == "author"


# ---- limits


def test_anonymous_visitors_have_a_burst_and_then_one_a_second() -> None:
    judge = gate()
    assert [decide(judge, visit()) for _ in range(121)] == ["admitted"] * 120 + ["rate_limited"]
    assert wait_s(judge, visit()) == pytest.approx(1.0)
    assert decide(judge, visit(viewer=b"W" * 16)) == "admitted"
    assert decide(judge, visit(), NOW + S) == "admitted"
    assert decide(judge, visit(), NOW + S) == "rate_limited"
    assert [decide(judge, visit(), NOW + 300 * S) for _ in range(121)].count("admitted") == 120


@pytest.mark.parametrize("fields", [{"trusted": True}, {"authenticated": True, "viewer_user_id": 1}])
def test_services_and_users_have_no_such_limit(fields: dict[str, object]) -> None:
    judge = gate(web_per_minute=1, web_burst=1)
    assert {decide(judge, visit(**fields)) for _ in range(50)} == {"admitted"}


def test_zero_is_no_limit() -> None:
    judge = gate(web_per_minute=0, player_per_minute=0, player_interval_us=0, provisional_per_minute=0)
    assert {decide(judge, visit()) for _ in range(500)} == {"admitted"}
    assert {decide(judge, play(n % 10 + 1, at=NOW - n)) for n in range(3000)} == {"admitted"}
    assert {decide(judge, visit(UNKNOWN + n, address_key=b"A" * 16)) for n in range(90)} == {"admitted"}


def test_a_clock_set_back_keeps_no_visitor_out() -> None:
    judge = gate()
    for _ in range(130):
        decide(judge, visit())
    assert decide(judge, visit(), NOW - HOUR) == "admitted"


def test_players_keep_five_seconds_between_views_by_their_own_time() -> None:
    judge = gate()
    keep(judge, play(at=NOW - 100 * S))
    assert decide(judge, play(1, at=NOW - 98 * S)) == "rate_limited"
    assert wait_s(judge, play(1, at=NOW - 98 * S)) == pytest.approx(3.0)
    assert decide(judge, play(1, at=NOW - 102 * S)) == "rate_limited"
    assert decide(judge, play(1, at=NOW - 95 * S)) == "admitted"
    assert decide(judge, play(2, at=NOW - 105 * S)) == "admitted"


def test_players_without_a_clock_by_ours() -> None:
    judge = gate()
    keep(judge, play())
    assert wait_s(judge, play(1), NOW + 2 * S) == pytest.approx(3.0)
    assert decide(judge, play(1), NOW + 5 * S) == "admitted"


@pytest.mark.parametrize("order", ["as it was", "backwards", "shuffled"])
def test_the_queue_of_an_hour_counts_whole_at_once_and_in_any_order(order: str) -> None:
    judge, times = gate(), [NOW - HOUR + n * 5 * S for n in range(720)]
    times.sort(key={"as it was": lambda t: t, "backwards": lambda t: -t, "shuffled": lambda t: t * 7919 % 1009}[order])
    assert {decide(judge, play(n % 10 + 1, at=at)) for n, at in enumerate(times)} == {"admitted"}
    between = [decide(judge, play(n % 10 + 1, at=at + 2 * S)) for n, at in enumerate(times[::9])]
    assert set(between) == {"rate_limited"}


def test_a_thousand_reports_a_minute_is_all() -> None:
    judge = gate()
    verdicts = [decide(judge, play(n % 10 + 1, at=NOW - n * 6 * S)) for n in range(1001)]
    assert verdicts == ["admitted"] * 1000 + ["rate_limited"]
    assert wait_s(judge, play(at=NOW - 7000 * S), NOW + 20 * S) == pytest.approx(40.0)
    assert decide(judge, play(at=NOW - 7000 * S), NOW + 60 * S) == "admitted"


def test_authors_use_their_allowance_others_who_are_refused_do_not() -> None:
    judge = gate(web_burst=1)
    assert decide(judge, play(key=OWNED_PLAYER, at=NOW)) == "author"
    assert decide(judge, play(1, key=OWNED_PLAYER, at=NOW + 2 * S)) == "rate_limited"
    assert decide(judge, play(DELETED, at=NOW)) == "deleted"
    assert decide(judge, visit(DELETED)) == "deleted"
    assert decide(judge, play(1, at=NOW)) == "admitted"
    assert decide(judge, visit()) == "admitted"


def test_what_is_lost_gives_back_its_allowance() -> None:
    judge = gate(web_burst=1, player_per_minute=1, provisional_per_minute=1)
    for n in range(5):
        lose(judge, visit())
        lose(judge, play(n + 1, at=NOW))
        lose(judge, visit(UNKNOWN + n, viewer=b"W" * 16, address_key=b"A" * 16))
    keep(judge, visit())
    keep(judge, play(at=NOW))
    assert decide(judge, visit()) == "rate_limited"
    assert decide(judge, play(1, at=NOW - 9 * S)) == "rate_limited"


def test_sixty_unknown_contents_a_minute_for_one_address() -> None:
    judge, far = gate(catalog(1000)), {"address_key": b"B" * 16, "viewer": b"W" * 16}
    verdicts = [decide(judge, visit(UNKNOWN + n, address_key=b"A" * 16)) for n in range(61)]
    assert verdicts == ["admitted"] * 60 + ["rate_limited"]
    assert decide(judge, visit(UNKNOWN, address_key=b"A" * 16)) == "admitted"  # known by now
    assert decide(judge, visit(UNKNOWN + 70, **far)) == "admitted"
    assert decide(judge, visit(UNKNOWN + 60, address_key=b"A" * 16), NOW + 60 * S) == "admitted"
    service = {decide(judge, visit(UNKNOWN + 100 + n, address_key=b"A" * 16, trusted=True)) for n in range(99)}
    assert service == {"admitted"}


def test_a_newcomer_takes_the_place_of_the_least_viewed() -> None:
    known = catalog(provisional_max=3)  # one is there
    judge = gate(known)
    for viewed in (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN + 1, UNKNOWN + 2, UNKNOWN + 3):
        assert decide(judge, visit(viewed, address_key=bytes([viewed % 7]) * 16)) == "admitted"
    assert known.sizes()["provisional"] == 3
    assert [known.content(UNKNOWN + n) is not None for n in range(4)] == [True, False, True, True]


def test_without_a_place_for_unknown_contents_they_are_limited() -> None:
    judge = gate(catalog(provisional_max=0))
    assert decide(judge, visit(UNKNOWN)) == "rate_limited"
    assert wait_s(judge, visit(UNKNOWN + 9)) == 60.0


# ---- before the start


def test_what_was_durable_before_the_start_is_known() -> None:
    before = gate()
    events = [
        keep(before, report).event
        for report in (visit(event_id=id_4(1)), visit(event_id=id_7(NOW - S)), visit(), play(at=NOW - 8 * S))
    ]
    events.append(keep(before, play(1, key=OWNED_PLAYER), NOW + 123).event)
    judge = gate()
    judge.warm(events)
    assert decide(judge, visit(event_id=id_4(1))) == "duplicate"
    assert decide(judge, visit(event_id=id_7(NOW - S))) == "duplicate"
    assert decide(judge, play(at=NOW - 8 * S)) == "duplicate"
    assert decide(judge, play(1, at=NOW - 6 * S)) == "rate_limited"
    assert decide(judge, play(1, key=OWNED_PLAYER), NOW + 9 * S) == "duplicate"
    assert judge.sizes()["identities"] <= 4


def test_a_gallery_does_not_use_up_the_views_of_its_visitor() -> None:
    judge = gate(web_per_minute=1, web_burst=2, impressions_per_minute=60, impressions_burst=3)
    listing = visit(view_type="listing")
    for _ in range(3):
        keep(judge, listing)
    assert wait_s(judge, listing) == 1
    lose(judge, visit())
    keep(judge, visit())
    keep(judge, visit(view_type="search"))
    assert wait_s(judge, visit()) == 60
    assert decide(judge, listing, NOW + S) == "admitted"


def test_an_impression_that_is_not_kept_or_refused_gives_its_own_allowance_back() -> None:
    judge = gate(web_per_minute=1, web_burst=1, impressions_per_minute=1, impressions_burst=1)
    lose(judge, visit(view_type="listing"))
    assert decide(judge, visit(DELETED, view_type="listing")) == "deleted"
    keep(judge, visit(view_type="listing"))
    assert decide(judge, visit(view_type="listing")) == "rate_limited"
    keep(judge, visit())
