"""Last wills and sessions of direct connections: time is an argument."""

from __future__ import annotations

import mqtt5

from vts.capture.mqtt.direct.client_session import ClientSession
from vts.capture.mqtt.direct.peer import Peer
from vts.capture.mqtt.direct.registry import Registry
from vts.capture.players.topics import Topics

KEY = bytes(16)


def peer(client_id: str, *, delay_s: int, expiry_s: int = 3600) -> Peer:
    will = mqtt5.Will("makapix/player/x/status", payload=client_id.encode(), will_delay_interval=delay_s)
    connect = mqtt5.ConnectPacket(client_id=client_id, session_expiry_interval=expiry_s, will=will)
    return Peer(ClientSession(KEY, connect), connect, Topics("makapix"), 10, 1000)


def said(wills: object) -> list[bytes]:
    return [will.payload for _, will in wills]


def test_the_will_of_an_evicted_session_is_due_after_its_delay() -> None:
    registry = Registry[Peer](connections_per_player=1, sessions_max=10)
    registry.enter(peer("a", delay_s=60), clean_start=False, now=0.0)
    entered = registry.enter(peer("b", delay_s=60), clean_start=False, now=10.0)
    assert entered.evicted is not None and entered.evicted.session.client_id == "a"
    assert said(entered.wills) == []
    assert said(registry.due(69.9)) == []
    assert said(registry.due(70.0)) == [b"a"]


def test_a_client_that_returns_in_time_finds_its_session_and_no_will_is_due() -> None:
    registry = Registry[Peer](connections_per_player=1, sessions_max=10)
    registry.enter(peer("a", delay_s=60), clean_start=False, now=0.0)
    registry.enter(peer("b", delay_s=0), clean_start=False, now=10.0)
    entered = registry.enter(peer("a", delay_s=60), clean_start=False, now=20.0)
    assert entered.session_present
    assert said(entered.wills) == [b"b"], "b had no delay"
    assert said(registry.due(1000.0)) == []


def test_the_will_of_an_evicted_session_that_is_not_kept_is_due_at_once() -> None:
    registry = Registry[Peer](connections_per_player=1, sessions_max=10)
    registry.enter(peer("a", delay_s=60, expiry_s=0), clean_start=False, now=0.0)
    assert said(registry.enter(peer("b", delay_s=60), clean_start=False, now=10.0).wills) == [b"a"]


def test_wills_that_wait_are_bounded() -> None:
    registry = Registry[Peer](connections_per_player=1, sessions_max=3)
    entered = [registry.enter(peer(str(n), delay_s=60), clean_start=False, now=0.0) for n in range(6)]
    assert [said(one.wills) for one in entered] == [[], [], [], [], [b"3"], [b"4"]]
