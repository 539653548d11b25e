"""The direct endpoint as players see it: its rules, byte for byte, and what becomes of sessions and wills."""

from __future__ import annotations

import datetime as dt
import json
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import mqtt5
import pytest
import trio
import trio.testing
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from trio.testing import MockClock

from tests.capture.mqtt_support import CREDENTIAL, KEY, OTHER, REVOKED, Device, PlayerDoors, mosquitto_pub, view
from tests.capture.test_mqtt_mosquitto import self_signed
from tests.support.clocks import jump
from tests.support.waiting import until
from vts.capture.mqtt.direct.endpoint import DirectEndpoint
from vts.capture.mqtt.direct.handshake import DirectLimits
from vts.capture.tls import ListenerTls, listener_tls
from vts.model.faults import BadStart
from vts.model.outcome import Reason, Refused
from vts.model.view import Report

BASE = f"makapix/player/{KEY}"
VIEW = f"{BASE}/view"
LOGIN: dict[str, Any] = {"username": KEY, "password": CREDENTIAL.encode()}
Gone = mqtt5.DisconnectReasonCode
Sub = mqtt5.SubAckReasonCode


class House:
    """An endpoint that runs, and the world behind it."""

    def __init__(self, tls: ListenerTls | None = None, **limits: Any) -> None:
        self.world = PlayerDoors()
        self.endpoint = DirectEndpoint(
            ("127.0.0.1", 0), DirectLimits(**limits), self.world.reports, self.world.catalog, tls
        )

    @property
    def port(self) -> int:
        return self.endpoint.port

    def player(self, client_id: str = "device", *topics: str, **connect: Any) -> Any:
        return Device.at(self.port, client_id, *topics, **(LOGIN | connect))


@asynccontextmanager
async def house(tls: ListenerTls | None = None, **limits: Any) -> AsyncIterator[House]:
    built = House(tls, **limits)
    async with trio.open_nursery() as nursery:
        await nursery.start(built.endpoint.run)
        yield built
        with trio.fail_after(60):
            built.endpoint.stop()
            await until(lambda: built.endpoint.connections == 0)


async def talk(port: int, *data: bytes, ends: bool = False) -> bytes:
    """Write bytes, return all that comes until the other side hangs up; with `ends` our side says no more."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    heard = b""
    async with stream:
        for piece in data:
            await stream.send_all(piece)
        if ends:
            await stream.send_eof()
        with trio.fail_after(60):
            try:
                while more := await stream.receive_some():
                    heard += bytes(more)
            except trio.BrokenResourceError:
                pass
    return heard


def connect(**fields: Any) -> bytes:
    return mqtt5.ConnectPacket(fields.pop("client_id", "raw"), **(LOGIN | {"clean_start": True} | fields)).write()


async def refusal(port: int, **fields: Any) -> str:
    packet, _ = mqtt5.read(memoryview(await talk(port, connect(**fields))))
    assert isinstance(packet, mqtt5.ConnAckPacket)
    return packet.reason_code.name


async def farewell(port: int, *said: bytes) -> str | None:
    """Return the reason of the DISCONNECT that answers these packets."""
    heard = packets(await talk(port, connect(), *said))
    return next((packet.reason_code.name for packet in heard if isinstance(packet, mqtt5.DisconnectPacket)), None)


def packets(heard: bytes) -> list[mqtt5.Packet]:
    """Return the packets that bytes hold."""
    found = []
    while heard:
        packet, size = mqtt5.read(memoryview(heard))
        found.append(packet)
        heard = heard[size:]
    return found


def publish(topic: str = VIEW, payload: bytes | None = None, **fields: Any) -> bytes:
    said = {"qos": mqtt5.QoS.AT_LEAST_ONCE, "packet_id": 1} | fields
    return mqtt5.PublishPacket(topic, view() if payload is None else payload, **said).write()


async def test_a_view_is_acknowledged_when_it_is_journaled() -> None:
    async with house() as home, home.player() as device:
        journal = trio.Event()
        home.world.admission.gate = journal.wait
        await device.send(mqtt5.PublishPacket(VIEW, view(), qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1))
        await until(lambda: home.world.admission.waiting)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert device.acked == {}
        journal.set()
        await until(lambda: device.acked)
        assert device.acked == {1: mqtt5.PubAckReasonCode.SUCCESS}
        assert home.world.admission.journal[0].viewer_user_id == 7


async def test_what_connack_announces() -> None:
    async with house() as home, home.player("", keep_alive=1000) as device:
        welcome = await device.have(mqtt5.ConnAckPacket)
        assert (welcome.receive_max, welcome.max_packet_size, welcome.topic_alias_max) == (100, 16_384, 0)
        assert (welcome.max_qos, welcome.retain_available) == (mqtt5.QoS.AT_LEAST_ONCE, False)
        assert (welcome.shared_subscription_available, welcome.subscription_id_available) == (False, False)
        assert (welcome.server_keep_alive, welcome.session_present) == (300, False)
        assert welcome.assigned_client_id


async def test_answers_reach_every_connection_that_asked_for_them() -> None:
    request = json.dumps({"request_type": "submit_view", "post_id": 192}).encode()
    topics = (f"{BASE}/response/#", f"{BASE}/view/ack", f"{BASE}/command")
    async with house() as home, home.player("listener", *topics) as listener, home.player("writer") as writer:
        await writer.publish(f"{BASE}/request/r7", request)
        topic, said = await listener.hear()
        assert (topic, said["request_id"], said["success"]) == (f"{BASE}/response/r7", "r7", True)
        await listener.publish(VIEW, view(request_ack=True))
        assert await listener.hear() == (f"{BASE}/view/ack", {"success": True})
        await listener.publish(f"{BASE}/request/r8", json.dumps(
            {"request_type": "submit_reaction", "post_id": 192, "emoji": "👍"}).encode())  # fmt: skip
        assert (await listener.hear())[1]["success"] is True
        assert not writer.heard


@pytest.mark.parametrize(
    ("payload", "code"),
    [(b'{"request_type":"query_posts"}', "unknown_request_type"), (b"{}", "unknown_request_type"),
     (b"{", "invalid_request")],
)  # fmt: skip
async def test_a_request_of_another_type_is_refused_where_no_other_server_reads(payload: bytes, code: str) -> None:
    async with house() as home, home.player("player", f"{BASE}/response/#") as device:
        await device.publish(f"{BASE}/request/r1", payload)
        assert (await device.hear())[1]["error_code"] == code


async def test_every_refusal_of_a_view_has_its_code() -> None:
    async with house() as home, home.player() as device:
        codes = mqtt5.PubAckReasonCode
        for reason, code in (
            (Reason.RATE_LIMITED, codes.QUOTA_EXCEEDED),
            (Reason.AUTHENTICATION_FAILED, codes.NOT_AUTHORIZED),
            (Reason.DUPLICATE, codes.SUCCESS),
            (Reason.AUTHOR, codes.SUCCESS),
        ):
            outcome = Refused(reason)
            home.world.admission.judge = lambda report, outcome=outcome: outcome  # type: ignore[misc]
            (packet_id,) = await device.publish(VIEW, view())
            assert device.acked[packet_id] == code
        (packet_id,) = await device.publish(VIEW, b"{}")
        assert device.acked[packet_id] == codes.PAYLOAD_FORMAT_INVALID


async def test_topics_of_others_are_refused_one_by_one_in_order() -> None:
    codes = mqtt5.PubAckReasonCode
    topics = {
        f"makapix/player/{OTHER}/view": codes.NOT_AUTHORIZED,
        f"makapix/player/{OTHER}/request/r1": codes.NOT_AUTHORIZED,
        VIEW: codes.SUCCESS,
        f"{BASE}/view/ack": codes.TOPIC_NAME_INVALID,
        f"{BASE}/command": codes.TOPIC_NAME_INVALID,
        "other/topic": codes.TOPIC_NAME_INVALID,
        f"{BASE}/request/a": codes.SUCCESS,
    }
    async with house() as home, home.player() as device:
        data = b"".join(publish(topic, packet_id=9 - i) for i, topic in enumerate(topics))
        raw = publish(VIEW, packet_id=50).replace(b"/view", b"/vie+")
        await device.stream.send_all(data + raw)
        await until(lambda: len(device.acked) == 8)
        assert list(device.acked) == [9, 8, 7, 6, 5, 4, 3, 50]
        assert list(device.acked.values()) == [*topics.values(), codes.TOPIC_NAME_INVALID]
        assert home.world.counts["identity_mismatch"] == 2
        assert home.world.counts["invalid"] == 4


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        (f"{BASE}/response/#", Sub.GRANTED_QOS_AT_LEAST_ONCE), (f"{BASE}/response/+", Sub.GRANTED_QOS_AT_LEAST_ONCE),
        (f"{BASE}/response/r1", Sub.GRANTED_QOS_AT_LEAST_ONCE), (f"{BASE}/view/ack", Sub.GRANTED_QOS_AT_LEAST_ONCE),
        (f"{BASE}/command", Sub.GRANTED_QOS_AT_LEAST_ONCE), (f"{BASE}/#", Sub.NOT_AUTHORIZED),
        (f"{BASE}/+/ack", Sub.NOT_AUTHORIZED), (f"{BASE}/view", Sub.NOT_AUTHORIZED), ("#", Sub.NOT_AUTHORIZED),
        ("makapix/player/+/response/#", Sub.NOT_AUTHORIZED), (f"makapix/player/{OTHER}/command", Sub.NOT_AUTHORIZED),
        (f"{BASE}/response/a/b", Sub.NOT_AUTHORIZED), ("$SYS/#", Sub.NOT_AUTHORIZED),
        (f"$share/g/{BASE}/command", Sub.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED),
        (f"{BASE}/response/#/x", Sub.TOPIC_FILTER_INVALID), (f"{BASE}/response/a+", Sub.TOPIC_FILTER_INVALID),
        ("", Sub.TOPIC_FILTER_INVALID), (f"{BASE}/response/\0", Sub.TOPIC_FILTER_INVALID),
    ],
)  # fmt: skip
async def test_what_a_player_may_subscribe_to(pattern: str, code: mqtt5.SubAckReasonCode) -> None:
    text = pattern.encode()
    body = b"\x00\x05\x00" + len(text).to_bytes(2, "big") + text + b"\x01"
    async with house() as home, home.player() as device:
        await device.stream.send_all(b"\x82" + bytes([len(body)]) + body)
        answer = await device.have(mqtt5.SubAckPacket)
        assert (answer.packet_id, answer.reason_codes) == (5, [code])


async def test_a_subscription_can_be_given_back() -> None:
    async with house() as home, home.player("device", f"{BASE}/view/ack") as device:
        await device.send(mqtt5.UnsubscribePacket(3, [f"{BASE}/view/ack", "nothing"]))
        answer = await device.have(mqtt5.UnsubAckPacket)
        assert [code.name for code in answer.reason_codes] == ["SUCCESS", "NO_SUBSCRIPTION_EXISTED"]
        await device.publish(VIEW, view(request_ack=True))
        assert not device.heard


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"password": b"wrong"}, "BAD_USER_NAME_OR_PASSWORD"), ({"password": None}, "BAD_USER_NAME_OR_PASSWORD"),
        ({"password": b"\xff\xfe"}, "BAD_USER_NAME_OR_PASSWORD"), ({"password": b""}, "BAD_USER_NAME_OR_PASSWORD"),
        ({"username": None, "password": None}, "BAD_USER_NAME_OR_PASSWORD"),
        ({"username": "nobody"}, "BAD_USER_NAME_OR_PASSWORD"), ({"username": OTHER}, "BAD_USER_NAME_OR_PASSWORD"),
        ({"username": "00000000-0000-0000-0000-000000000000"}, "BAD_USER_NAME_OR_PASSWORD"),
        ({"username": OTHER, "password": b""}, "BAD_USER_NAME_OR_PASSWORD"), ({"username": REVOKED}, "NOT_AUTHORIZED"),
        ({"authentication_method": "SCRAM"}, "BAD_AUTHENTICATION_METHOD"),
        ({"will": mqtt5.Will(f"{BASE}/status", retain=True)}, "RETAIN_NOT_SUPPORTED"),
        ({"will": mqtt5.Will(f"{BASE}/status", qos=mqtt5.QoS.EXACTLY_ONCE)}, "QUALITY_NOT_SUPPORTED"),
        ({"will": mqtt5.Will(f"makapix/player/{OTHER}/status")}, "NOT_AUTHORIZED"),
        ({"will": mqtt5.Will("elsewhere")}, "NOT_AUTHORIZED"),
        ({"client_id": "x" * 20_000}, "PACKET_TOO_LARGE"),
    ],
)  # fmt: skip
async def test_a_refused_connect_gets_its_reason_code(fields: dict[str, Any], code: str) -> None:
    async with house() as home:
        assert await refusal(home.port, **fields) == code
        assert sum(home.world.counts.values()) == 1


async def test_no_connect_is_accepted_before_the_first_catalog() -> None:
    async with house() as home:
        home.world.catalog.ready = False
        assert await refusal(home.port) == "SERVER_UNAVAILABLE"


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04abcd", b"\x20\x02\x00\x01"),  # MQTT 3.1.1
        (b"\x10\x12\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x04abcd", b"\x20\x02\x00\x01"),  # MQTT 3.1
        (b"\x10\x10\x00\x04MQTT\x84\x02\x00\x3c\x00\x04abcd", b"\x20\x02\x00\x01"),  # a bridge of 3.1.1
        (b"\x10\x11\x00\x04MQTT\x06\x02\x00\x3c\x00\x00\x04abcd", b"\x20\x03\x00\x84\x00"),  # of the future
        (b"\x10\x11\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x09abcd", b"\x20\x03\x00\x81\x00"),  # a length that lies
        (b"\x10\x11\x00\x04MQTT\x05\x03\x00\x3c\x00\x00\x04abcd", b"\x20\x03\x00\x81\x00"),  # a reserved flag
        (b"\x10\x11\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x04\xff\xffcd", b"\x20\x03\x00\x81\x00"),  # not UTF-8
        (b"\x10\xff\xff\xff\x7f\x00\x04MQTT\x05", b"\x20\x03\x00\x95\x00"),  # 256 MB
        (b"GET / HTTP/1.1\r\n\r\n", b""), (b"\x16\x03\x01\x02\x00\x01", b""), (b"\xc0\x00", b""), (b"\x11\x00", b""),
        (b"\x10\x10\x00\x04QTTM\x05\x02", b""), (b"\x10\xff\xff\xff\xff\x01", b""), (publish(), b""), (b"\x00", b""),
    ],
)  # fmt: skip
async def test_first_bytes(data: bytes, answer: bytes) -> None:
    async with house() as home:
        assert await talk(home.port, data) == answer
        for cut in range(1, len(data)):
            assert await talk(home.port, data[:cut], data[cut:]) == answer
            break


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (publish(qos=mqtt5.QoS.EXACTLY_ONCE), "QOS_NOT_SUPPORTED"), (publish(retain=True), "RETAIN_NOT_SUPPORTED"),
        (publish(topic_alias=1), "TOPIC_ALIAS_INVALID"), (publish(payload=bytes(20_000)), "PACKET_TOO_LARGE"),
        (connect(), "PROTOCOL_ERROR"), (mqtt5.PubAckPacket(3).write(), "PROTOCOL_ERROR"),
        (mqtt5.PingRespPacket().write(), "PROTOCOL_ERROR"), (mqtt5.PubRelPacket(3).write(), "PROTOCOL_ERROR"),
        (mqtt5.AuthPacket(authentication_method="x").write(), "PROTOCOL_ERROR"),
        (mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("a")], subscription_id=1).write(),
         "SUBSCRIPTION_IDS_NOT_SUPPORTED"),
        (b"\x30\x05\x00\x02\xc0\xaf\x00", "MALFORMED_PACKET"), (b"\x00\x00", "MALFORMED_PACKET"),
        (b"\x82\x03\x00\x01\x00", "PROTOCOL_ERROR"), (b"\x36\x05\x00\x01a\x00\x01", "MALFORMED_PACKET"),
        (b"\x32\x06\x00\x01a\x00\x00\x00", "PROTOCOL_ERROR"),
        (mqtt5.DisconnectPacket(session_expiry_interval=5).write(), "PROTOCOL_ERROR"),
        (mqtt5.DisconnectPacket().write(), None),
        (b"".join(publish(packet_id=i, payload=view(at=i)) for i in range(1, 102)), "RECEIVE_MAX_EXCEEDED"),
    ],
)  # fmt: skip
async def test_a_broken_rule_ends_the_connection_with_its_reason(packet: bytes, reason: str | None) -> None:
    async with house() as home:
        assert await farewell(home.port, packet) == reason
        assert home.world.counts["retained"] == (reason == "RETAIN_NOT_SUPPORTED")


@pytest.mark.parametrize("qos", [mqtt5.QoS.AT_MOST_ONCE, mqtt5.QoS.AT_LEAST_ONCE])
@pytest.mark.parametrize(
    ("last", "reason"),
    [
        (mqtt5.DisconnectPacket().write(), None),
        (b"", None),
        (b"\x00\x00", Gone.MALFORMED_PACKET),
        (mqtt5.PubAckPacket(3).write(), Gone.PROTOCOL_ERROR),
    ],
    ids=["a disconnect", "the end of the stream", "no packet", "a packet out of place"],
)
async def test_what_comes_before_the_end_in_one_read_is_decided_first(
    qos: mqtt5.QoS, last: bytes, reason: mqtt5.DisconnectReasonCode | None
) -> None:
    will = mqtt5.Will(f"{BASE}/status", payload=b'{"status":"offline"}')
    async with house() as home:
        ids = [1, 2, 3] if qos == mqtt5.QoS.AT_LEAST_ONCE else [None] * 3
        said = [publish(payload=view(at=at), qos=qos, packet_id=packet_id) for at, packet_id in enumerate(ids)]
        heard = await talk(home.port, connect(will=will) + b"".join(said) + last, ends=True)
        await until(lambda: home.endpoint.connections == 0)
        assert len(home.world.admission) == 3
        acked = [packet.packet_id for packet in packets(heard) if isinstance(packet, mqtt5.PubAckPacket)]
        assert acked == [packet_id for packet_id in ids if packet_id is not None]
        ends = [packet.reason_code for packet in packets(heard) if isinstance(packet, mqtt5.DisconnectPacket)]
        assert ends == ([reason] if reason is not None else [])
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert len(home.world.presence.statuses) == (last != mqtt5.DisconnectPacket().write())


async def test_what_was_sent_counts_also_when_the_player_closes_without_reading() -> None:
    """The first acknowledgement meets a closed socket; what had come in by then is read all the same."""
    async with house() as home:
        journal = trio.Event()
        home.world.admission.gate = journal.wait
        device = await trio.open_tcp_stream("127.0.0.1", home.port)
        await device.send_all(connect() + publish(payload=view(at=1)))
        await until(lambda: home.world.admission.waiting)
        acked = [publish(payload=view(at=at), packet_id=at) for at in range(2, 40)]
        plain = [publish(payload=view(at=at), qos=mqtt5.QoS.AT_MOST_ONCE, packet_id=None) for at in range(40, 200)]
        await device.send_all(b"".join(acked + plain))  # more than one read takes
        await device.aclose()
        journal.set()
        await until(lambda: home.endpoint.connections == 0)
        assert len(home.world.admission) == 199


async def test_the_command_line_counts_whatever_its_quality_of_service() -> None:
    async with house() as home:
        login = ["-V", "5", "-u", KEY, "-P", CREDENTIAL]
        for number in range(6):
            await mosquitto_pub(home.port, VIEW, view(at=number), *login, "-q", str(number % 2))
        await until(lambda: len(home.world.admission) == 6)


async def test_what_cannot_be_kept_is_not_acknowledged() -> None:
    async with house() as home, home.player("device", f"{BASE}/view/ack") as device:
        home.world.admission.judge = lambda report: Refused(Reason.UNAVAILABLE, retry_after_s=5)
        await device.send(mqtt5.PublishPacket(
            VIEW, view(request_ack=True), qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1))  # fmt: skip
        assert (await device.hear())[1]["error_code"] == "unavailable"
        assert (await device.have(mqtt5.DisconnectPacket)).reason_code == Gone.SERVER_BUSY
        assert device.acked == {}


async def test_messages_of_one_moment_are_decided_together_and_each_player_gets_its_own_answer() -> None:
    async with house() as home, home.player("one") as one, home.player("two") as two:
        admission = home.world.admission
        admission.judge = lambda report: Refused(Reason.RATE_LIMITED) if report.post_id == 13 else None

        async def say(device: Any, *post_ids: int) -> None:
            said = [
                mqtt5.PublishPacket(VIEW, view(post_id, at), qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=at).write()
                for at, post_id in enumerate(post_ids, 1)
            ]
            await device.stream.send_all(b"".join(said))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(say, one, 192, 13)
            nursery.start_soon(say, two, 13, 7, 192)
        await until(lambda: len(one.acked) == 2 and len(two.acked) == 3)
        ok, limited = mqtt5.PubAckReasonCode.SUCCESS, mqtt5.PubAckReasonCode.QUOTA_EXCEEDED
        assert (one.acked, two.acked) == ({1: ok, 2: limited}, {1: limited, 2: ok, 3: ok})
        assert admission.batches == [5]


async def test_a_fault_of_ours_acknowledges_nothing_and_ends_no_endpoint() -> None:
    def broken(report: Report) -> Refused | None:
        raise RuntimeError("a bug")

    async with house() as home:
        async with home.player("one") as device:
            home.world.admission.judge = broken
            await device.send(mqtt5.PublishPacket(VIEW, view(), qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1))
            assert (await device.have(mqtt5.DisconnectPacket)).reason_code == Gone.SERVER_BUSY
            assert device.acked == {}
        home.world.admission.judge = lambda report: None
        async with home.player("one") as device:
            await device.publish(VIEW, view())
        assert len(home.world.admission) == 1


async def test_a_reconnecting_player_takes_its_session_over() -> None:
    will = mqtt5.Will(f"{BASE}/status", payload=b'{"status":"offline"}', will_delay_interval=60)
    said: dict[str, Any] = {"session_expiry_interval": 600, "will": will}
    async with house() as home, home.player("device", f"{BASE}/view/ack", **said) as first:
        async with home.player("device", clean_start=False, session_expiry_interval=600) as second:
            assert (await first.have(mqtt5.DisconnectPacket)).reason_code == Gone.SESSION_TAKEN_OVER
            assert (await second.have(mqtt5.ConnAckPacket)).session_present is True
            await second.publish(VIEW, view(request_ack=True))
            assert (await second.hear())[1] == {"success": True}
        assert home.world.presence.statuses == []


async def test_a_session_waits_for_its_player() -> None:
    async with house() as home:
        async with home.player("device", f"{BASE}/view/ack", session_expiry_interval=600):
            pass
        async with home.player("device", clean_start=False) as back:
            assert (await back.have(mqtt5.ConnAckPacket)).session_present is True
            await back.publish(VIEW, view(request_ack=True))
            assert (await back.hear())[1] == {"success": True}
        async with home.player("device", clean_start=False) as again:
            assert (await again.have(mqtt5.ConnAckPacket)).session_present is False


@pytest.mark.parametrize(("disconnect_code", "heard"), [(0x00, False), (0x04, True), (None, True)])
async def test_a_last_will_is_published_unless_its_player_disconnects(disconnect_code: int | None, heard: bool) -> None:
    will = mqtt5.Will(f"{BASE}/status", payload=b'{"status":"offline"}')
    async with house() as home:
        async with home.player(will=will) as device:
            if disconnect_code is not None:
                reason = {0: Gone.NORMAL_DISCONNECTION, 4: Gone.DISCONNECT_WITH_WILL_MESSAGE}[disconnect_code]
                await device.send(mqtt5.DisconnectPacket(reason_code=reason))
        await until(lambda: home.endpoint.connections == 0)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert [status.online for _, status in home.world.presence.statuses] == ([False] if heard else [])


async def test_a_delayed_will_is_published_when_its_client_does_not_return(hand_clock: MockClock) -> None:
    will = mqtt5.Will(f"{BASE}/status", payload=b'{"status":"offline"}', will_delay_interval=60)
    async with house() as home:
        async with home.player(will=will, session_expiry_interval=3600):
            pass
        await until(lambda: home.endpoint.connections == 0)
        await jump(hand_clock, 30)
        assert home.world.presence.statuses == []
        await jump(hand_clock, 31)
        await until(lambda: home.world.presence.statuses)


async def test_a_player_that_only_keeps_its_connection_is_there() -> None:
    async with house() as home, home.player() as device:
        assert len(home.world.presence) == 0
        await device.send(mqtt5.PingReqPacket())
        await device.have(mqtt5.PingRespPacket)
        assert home.world.presence.take()[UUID(KEY).bytes].seen_us
        await device.send(mqtt5.DisconnectPacket())
        await until(lambda: home.endpoint.connections == 0)
        assert len(home.world.presence) == 0


async def test_silence_beyond_one_and_a_half_keep_alives_is_the_end(hand_clock: MockClock) -> None:
    async with house() as home, home.player(keep_alive=100) as device:
        await device.have(mqtt5.ConnAckPacket)
        await jump(hand_clock, 130)
        assert device.count(mqtt5.DisconnectPacket) == 0
        await jump(hand_clock, 25)
        assert (await device.have(mqtt5.DisconnectPacket)).reason_code == Gone.KEEP_ALIVE_TIMEOUT


async def test_a_ping_is_a_sign_of_life(hand_clock: MockClock) -> None:
    async with house() as home, home.player(keep_alive=100) as device:
        await device.have(mqtt5.ConnAckPacket)
        for pings in range(1, 6):
            await jump(hand_clock, 100)
            await device.send(mqtt5.PingReqPacket())
            await until(lambda pings=pings: device.count(mqtt5.PingRespPacket) == pings)
        assert device.count(mqtt5.DisconnectPacket) == 0


async def test_a_slow_connect_is_cut_off(hand_clock: MockClock) -> None:
    async with house(connect_s=50) as home, trio.open_nursery() as nursery:
        heard: list[bytes] = []

        async def begin() -> None:
            heard.append(await talk(home.port, b"\x10\x20\x00"))

        nursery.start_soon(begin)
        await until(lambda: home.endpoint.connections)
        await jump(hand_clock, 40)
        assert heard == []
        await jump(hand_clock, 11)
        await until(lambda: heard == [b""])


async def test_a_player_that_never_takes_its_answers_is_disconnected() -> None:
    async with house() as home:
        wanted = mqtt5.SubscribePacket(1, [mqtt5.TopicFilter(f"{BASE}/response/#")]).write()
        ask = publish(f"{BASE}/request/r", b"{}", qos=mqtt5.QoS.AT_MOST_ONCE, packet_id=None)
        heard = await talk(home.port, connect(receive_max=1), wanted, *([ask * 1_000] * 12))
        assert heard.endswith(mqtt5.DisconnectPacket(reason_code=Gone.QUOTA_EXCEEDED).write())


async def test_a_revoked_player_is_disconnected() -> None:
    async with house() as home, home.player() as device:
        home.world.catalog.players.clear()
        await device.send(mqtt5.PingReqPacket())
        assert (await device.have(mqtt5.DisconnectPacket)).reason_code == Gone.NOT_AUTHORIZED


async def test_one_player_cannot_use_all_connections() -> None:
    async with house(connections_per_player=2) as home, home.player("a") as first, home.player("b"), home.player("c"):
        assert (await first.have(mqtt5.DisconnectPacket)).reason_code == Gone.QUOTA_EXCEEDED
        assert await refusal(home.port, password=b"x") == "BAD_USER_NAME_OR_PASSWORD"


async def test_a_stop_acknowledges_what_is_under_way_and_disconnects() -> None:
    async with house() as home, home.player("busy") as busy, home.player("idle") as idle:
        journal = trio.Event()
        home.world.admission.gate = journal.wait
        await busy.send(mqtt5.PublishPacket(VIEW, view(), qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1))
        await until(lambda: home.world.admission.waiting)
        home.endpoint.stop()
        assert (await idle.have(mqtt5.DisconnectPacket)).reason_code == Gone.SERVER_SHUTTING_DOWN
        journal.set()
        assert (await busy.have(mqtt5.DisconnectPacket)).reason_code == Gone.SERVER_SHUTTING_DOWN
        assert busy.acked == {1: mqtt5.PubAckReasonCode.SUCCESS}


async def test_mosquitto_pub_speaks_to_it() -> None:
    async with house() as home:
        login = ("-u", KEY, "-P", CREDENTIAL)
        done = await mosquitto_pub(home.port, VIEW, view(), "-V", "mqttv5", *login)
        assert (done.returncode, done.stderr) == (0, b"")
        done = await mosquitto_pub(home.port, VIEW, view(at=1), "-V", "mqttv5", "-u", KEY, "-P", "wrong")
        assert done.returncode != 0
        assert b"Not authorized" in done.stderr or b"Bad" in done.stderr
        done = await mosquitto_pub(home.port, VIEW, view(at=1), "-V", "mqttv311", *login)
        assert b"unacceptable protocol version" in done.stderr
        assert len(home.world.admission.journal) == 1


async def test_a_certificate_is_as_good_as_a_credential(tmp_path: Path) -> None:
    server, server_key = self_signed(tmp_path)
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    async with house(listener_tls(str(server), str(server_key), str(tmp_path / "ca.pem"))) as home:
        for name, user, code in (
            (KEY, None, 0), (KEY, KEY, 0), (KEY, OTHER, 0x86), (OTHER, None, 0), ("x", None, 0x86),
            (REVOKED, None, 0x87), (None, None, 0x86),
        ):  # fmt: skip
            context = ssl.create_default_context(cafile=server)
            if name is not None:
                context.load_cert_chain(*authority.issue(name, tmp_path))
            tcp = await trio.open_tcp_stream("127.0.0.1", home.port)
            async with trio.SSLStream(tcp, context, server_hostname="127.0.0.1", https_compatible=True) as stream:
                await stream.send_all(mqtt5.ConnectPacket("c", username=user).write())
                packet, _ = mqtt5.read(memoryview(bytes(await stream.receive_some())))
                assert isinstance(packet, mqtt5.ConnAckPacket)
                assert packet.reason_code == code, (name, user)


async def test_a_certificate_of_another_authority_is_not_accepted(tmp_path: Path) -> None:
    server, server_key = self_signed(tmp_path)
    (tmp_path / "ca.pem").write_bytes(Authority().pem)
    async with house(listener_tls(str(server), str(server_key), str(tmp_path / "ca.pem"))) as home:
        context = ssl.create_default_context(cafile=server)
        context.load_cert_chain(*Authority().issue(KEY, tmp_path))
        tcp = await trio.open_tcp_stream("127.0.0.1", home.port)
        stream = trio.SSLStream(tcp, context, server_hostname="127.0.0.1", https_compatible=True)
        heard = b""
        with suppress(trio.BrokenResourceError):  # which of the two sides of TLS 1.3 notices first is chance
            await stream.send_all(mqtt5.ConnectPacket("c").write())
            heard = bytes(await stream.receive_some())
        assert heard == b""
        await trio.aclose_forcefully(stream)


async def test_random_bytes_harm_no_other_connection() -> None:
    """Seeded noise on logged-in connections: the door stands, and an honest player is served all along."""
    dice = random.Random(7)
    honest = [
        publish(),
        connect(),
        mqtt5.PingReqPacket().write(),
        mqtt5.SubscribePacket(1, [mqtt5.TopicFilter(f"{BASE}/response/#")]).write(),
        mqtt5.DisconnectPacket(reason_str="x").write(),
    ]
    async with house() as home, home.player("honest") as device:
        for i in range(150):
            noise = bytearray(b"".join(dice.choices(honest, k=3)))
            for _ in range(dice.randrange(1, 5)):
                noise[dice.randrange(len(noise))] = dice.randrange(256)
            stream = await trio.open_tcp_stream("127.0.0.1", home.port)
            await stream.send_all((connect(client_id=f"n{i % 2}") if i % 3 else b"") + bytes(noise))
            await trio.aclose_forcefully(stream)
        await device.publish(VIEW, view(at=77))
        await until(lambda: home.endpoint.connections == 1)
        assert "internal_error" not in home.world.counts


async def test_an_address_in_use_is_an_error_at_once() -> None:
    async with house() as home:
        world = PlayerDoors()
        with pytest.raises(OSError):
            await DirectEndpoint(("127.0.0.1", home.port), DirectLimits(), world.reports, world.catalog).run()


def test_certificates_that_are_not_there() -> None:
    assert listener_tls("", "") is None
    with pytest.raises(BadStart, match="/nowhere"):
        listener_tls("/nowhere", "/nowhere")


class Authority:
    """A certificate authority for players."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "players")])
        self.pem = self._sign(self._name, self._key.public_key(), ca=True).public_bytes(serialization.Encoding.PEM)

    def issue(self, common_name: str, folder: Path) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        files = folder / f"{common_name}.pem", folder / f"{common_name}.key"
        files[0].write_bytes(self._sign(name, key.public_key(), ca=False).public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files

    def _sign(self, name: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), True)
            .sign(self._key, hashes.SHA256())
        )
