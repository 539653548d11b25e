"""One-use tickets: once, within 30 seconds, and never more of them than there is room for."""

from __future__ import annotations

import pytest

from vts.auth.tickets import TTL_S, Tickets
from vts.model.principal import Principal

WHO = Principal(7, frozenset({"user"}))
NOW = 1_000.0


def test_a_ticket_is_good_once() -> None:
    tickets = Tickets()
    ticket = tickets.issue(WHO, NOW)
    assert tickets.redeem(ticket, NOW) == WHO
    assert tickets.redeem(ticket, NOW) is None
    assert len(tickets) == 0


@pytest.mark.parametrize(("later", "good"), [(0.0, True), (TTL_S - 0.01, True), (TTL_S, False), (TTL_S + 1, False)])
def test_a_ticket_is_good_for_30_seconds(later: float, good: bool) -> None:
    tickets = Tickets()
    assert (tickets.redeem(tickets.issue(WHO, NOW), NOW + later) == WHO) is good


def test_an_expired_ticket_is_used_up() -> None:
    tickets = Tickets()
    ticket = tickets.issue(WHO, NOW)
    assert tickets.redeem(ticket, NOW + TTL_S) is None
    assert tickets.redeem(ticket, NOW) is None


def test_a_link_may_live_longer() -> None:
    tickets = Tickets()
    assert tickets.redeem(tickets.issue(WHO, NOW, ttl_s=600), NOW + 599) == WHO


@pytest.mark.parametrize("text", ["", "0" * 48, "x" * 65, "x" * 100_000, "\udcff", "é", "\x00"])
def test_what_was_never_issued_is_refused(text: str) -> None:
    tickets = Tickets()
    tickets.issue(WHO, NOW)
    assert tickets.redeem(text, NOW) is None
    assert len(tickets) == 1


def test_tickets_differ_and_are_not_kept_as_text() -> None:
    tickets = Tickets()
    issued = {tickets.issue(WHO, NOW) for _ in range(100)}
    assert len(issued) == 100
    assert all(len(ticket) == 48 for ticket in issued)
    assert not any(ticket in repr(vars(tickets)) for ticket in issued)


def test_when_there_is_no_room_the_expired_go_first_and_then_the_oldest() -> None:
    tickets = Tickets(capacity=3)
    expired = tickets.issue(WHO, NOW - TTL_S)
    first, second, third = (tickets.issue(WHO, NOW) for _ in range(3))
    assert len(tickets) == 3
    fourth = tickets.issue(WHO, NOW)
    assert len(tickets) == 3
    assert [tickets.redeem(t, NOW) is not None for t in (expired, first, second, third, fourth)] == [
        False,
        False,
        True,
        True,
        True,
    ]
