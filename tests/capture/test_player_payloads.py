"""Tables of what players say: topics, payloads, answers; and packets that must not reach the codec."""

from __future__ import annotations

import contextlib
import json
import random
from typing import Any
from uuid import UUID

import mqtt5
import pytest

from tests.capture.mqtt_support import KEY
from vts.capture.fields import BadField
from vts.capture.mqtt.frames import BadPacket, Frames
from vts.capture.players.answers import PlayerReply, encode_ack, encode_response
from vts.capture.players.payloads import (
    ForeignRequest,
    PlayerRequest,
    PlayerStatus,
    PlayerView,
    ReactionRequest,
    parse_request,
    parse_status,
    parse_view,
)
from vts.capture.players.topics import Topics, parse_key
from vts.model.presence import Status
from vts.model.reference import ReferenceKey, References

TOPICS = Topics("makapix")


@pytest.mark.parametrize("text", [KEY, KEY.upper(), "00000000-0000-0000-0000-000000000001"])
def test_keys_of_any_version_and_case(text: str) -> None:
    assert parse_key(text) == UUID(text).bytes


@pytest.mark.parametrize(
    "text", ["", "x", KEY[:-1], KEY + "0", KEY.replace("-", ""), "g" + KEY[1:], "+", " " + KEY[1:]]
)
def test_what_is_no_key(text: str) -> None:
    assert parse_key(text) is None


def test_topics_are_read() -> None:
    address = TOPICS.parse(f"makapix/player/{KEY}/request/abc-1")
    assert address is not None
    assert (address.kind, address.key, address.request_id) == ("request", UUID(KEY).bytes, "abc-1")
    assert TOPICS.response(address.key_text, "abc-1") == f"makapix/player/{KEY}/response/abc-1"
    assert TOPICS.view_ack(address.key_text) == f"makapix/player/{KEY}/view/ack"


@pytest.mark.parametrize(
    "topic",
    [
        "", "makapix", f"makapix/player/{KEY}", f"makapix/player/{KEY}/", f"makapix/player/{KEY}/view/ack",
        f"makapix/player/{KEY}/request", f"makapix/player/{KEY}/request/", f"makapix/player/{KEY}/request/a/b",
        f"makapix/player/{KEY}/request/{'a' * 129}", f"makapix/player/{KEY}/request/a\0",
        f"makapix/player/{KEY}/request/+",
        f"other/player/{KEY}/view", f"makapix/player/{KEY[:-1]}/view", f"/makapix/player/{KEY}/view",
        f"makapix/player/{KEY}/request/#",
    ],
)  # fmt: skip
def test_topics_that_are_none(topic: str) -> None:
    assert TOPICS.parse(topic) is None


def said(**fields: Any) -> PlayerView:
    return parse_view(json.dumps({"post_id": 1} | fields).encode())


@pytest.mark.parametrize(
    ("intent", "view_type"),
    [("artwork", "intentional"), ("intentional", "intentional"), ("channel", "listing"), ("automated", "listing"),
     (None, None), ("", None), ("zapping", None), (3, None)],
)  # fmt: skip
def test_intents(intent: Any, view_type: str | None) -> None:
    view = said(intent=intent)
    assert view.view_type == view_type
    assert view.unknown == (("intent",) if intent in ("zapping", 3) else ())


@pytest.mark.parametrize(
    ("fields", "context"),
    [
        ({"channel": "by_user", "channel_user_sqid": "Ux9", "channel_hashtag": "x"}, "Ux9"),
        ({"channel": "by_user", "channel_user_sqid": 17}, "17"),
        ({"channel": "reactions", "channel_user_sqid": "Ux9"}, "Ux9"),
        ({"channel": "by_user", "channel_user_sqid": ""}, None),
        ({"channel": "hashtag", "channel_hashtag": "#cats"}, "cats"),
        ({"channel": "hashtag", "channel_hashtag": "cats"}, "cats"),
        ({"channel": "all", "channel_hashtag": "cats"}, None),
        ({"channel_hashtag": "cats"}, None),
    ],
)
def test_channel_context(fields: dict[str, Any], context: str | None) -> None:
    assert said(**fields).channel_context == context


@pytest.mark.parametrize(
    ("fields", "unknown"),
    [
        ({"channel": "radio"}, "channel"), ({"channel": ["all"]}, "channel"), ({"play_order": 3}, "play_order"),
        ({"play_order": True}, "play_order"), ({"play_order": "2"}, "play_order"), ({"country": "Brazil"}, "country"),
        ({"country": 55}, "country"),
    ],
)  # fmt: skip
def test_an_unknown_value_of_an_optional_field_is_null(fields: dict[str, Any], unknown: str) -> None:
    view = said(**fields)
    assert view.unknown == (unknown,)
    assert (view.channel, view.play_order, view.country) == (None, None, None)


def test_what_a_device_leaves_empty_is_absent() -> None:
    empty = dict.fromkeys(("timestamp", "timezone", "intent", "channel", "country", "event_id", "player_key"), "")
    view = said(**empty, playlist_id=0, request_ack=None)
    assert view == parse_view(b'{"post_id":1}')


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"null", b"[]", b"{", b"\xff", b'{"post_id":0}', b'{"post_id":-1}', b'{"post_id":""}', b'{"post_id":1.5}',
        b'{"post_id":9223372036854775808}', b"{}", b'{"post_id":1,"event_id":"x"}', b'{"post_id":1,"playlist_id":-1}',
        b'{"post_id":1,"event_id":"5c1d6b47-6a34-8f1a-9a40-3f8a1b0f7c11"}',
        b'{"post_id":1,"channel":"hashtag","channel_hashtag":"a\\u0000b"}',
        b'{"post_id":1,"timezone":"Europe/\\u0000Berlin"}', b'{"post_id":1,"timestamp":"\\u0000"}',
        b'{"post_id":1,"timezone":"' + b"x" * 300 + b'"}', b'{"post_id":1,"channel":' + b"[" * 50_000,
        b'{"post_id":1,"timezone":"\\ud800"}', b'{"post_id":' + b"9" * 5_000 + b"}",
    ],
)  # fmt: skip
def test_payloads_that_cannot_be_understood(payload: bytes) -> None:
    with pytest.raises(BadField) as fault:
        parse_view(payload)
    assert len(str(fault.value)) < 200


def body_of(payload: bytes) -> Any:
    """Read a request of ours, return what it asks for."""
    request = parse_request(payload, "r1")
    assert isinstance(request, PlayerRequest)
    return request.body


def test_requests() -> None:
    def body(**fields: Any) -> Any:
        return body_of(json.dumps({"post_id": 1} | fields).encode())

    view = body(
        request_type="submit_view", request_id="r1", view_intent="channel", local_datetime="2025-12-22T16:24:15"
    )
    assert (view.view_type, view.time, view.wants_ack) == ("listing", "2025-12-22T16:24:15", True)
    assert body(request_type="submit_reaction", emoji="👍") == ReactionRequest(1, "👍", "add")
    assert body(request_type="revoke_reaction", emoji="x") == ReactionRequest(1, None, "remove")
    with pytest.raises(BadField, match="request_id"):
        body(request_type="submit_view", request_id="r2")
    assert parse_status(b'{"status":"online","x":1}', None) == PlayerStatus(None, Status(online=True))


def test_what_a_status_says() -> None:
    references = References(ReferenceKey(b"of these tests, 32 bytes long ok"))

    def said(text: str) -> Status:
        return parse_status(text.encode(), references).body

    assert said('{"status":"offline"}') == said('{"status":"Offline","firmware":"x"}') == Status(online=False)
    assert said("{}") == said('{"status":"playing"}') == said('{"status":null}') == Status(online=True)
    assert said('{"current_post_id":42,"firmware_version":"1.2"}') == Status(online=True, post_id=42, firmware="1.2")
    assert said('{"current_post_id":null,"firmware_version":""}') == Status(online=True, post_id=None, firmware=None)
    assert said('{"current_post_id":"blog:7"}').post_id == references.content("blog:7")
    assert parse_status(b'{"current_post_id":"blog:7"}', None).body.post_id is None  # before the very first catalog
    for bad in ('{"firmware_version":7}', '{"firmware_version":"a\\u0000"}', '{"current_post_id":-1}', "", "[]"):
        with pytest.raises(BadField):
            said(bad)


@pytest.mark.parametrize(
    "fields",
    [{}, {"request_type": None}, {"request_type": 7}, {"request_type": ["submit_view"]}, {"request_type": "view"},
     {"request_type": "query_posts", "request_id": "of another topic", "player_key": {}, "post_id": -1}],
)  # fmt: skip
def test_a_request_of_another_type_is_foreign_whatever_its_fields_are(fields: dict[str, Any]) -> None:
    assert parse_request(json.dumps(fields).encode(), "r1") == ForeignRequest()


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"\xff", b'{"request_type":"submit_view"'])
def test_a_request_that_cannot_be_read_is_foreign_too(payload: bytes) -> None:
    foreign = parse_request(payload, "r1")
    assert isinstance(foreign, ForeignRequest) and foreign.fault


@pytest.mark.parametrize("emoji", ["👍", "❤️", "1️⃣", "👨‍👩‍👧", "🇧🇷"])
def test_emoji(emoji: str) -> None:
    payload = json.dumps({"request_type": "submit_reaction", "post_id": 1, "emoji": emoji}).encode()
    assert body_of(payload) == ReactionRequest(1, emoji, "add")


@pytest.mark.parametrize("emoji", [None, "", "a", ":)", "👍 👍", "👍" * 17, "👍\0", "\x7f👍\n"])
def test_what_is_no_emoji(emoji: str | None) -> None:
    payload = json.dumps({"request_type": "submit_reaction", "post_id": 1, "emoji": emoji}).encode()
    assert body_of(payload) == ReactionRequest(1, None, "add")


def test_answers_have_the_fields_of_the_contract() -> None:
    refused = PlayerReply("rate_limited", "slow down", 3.2)
    assert encode_ack(PlayerReply()) == b'{"success":true}'
    assert json.loads(encode_ack(refused)) == {
        "success": False, "error": "slow down", "error_code": "rate_limited", "retry_after": 3.2,
    }  # fmt: skip
    assert json.loads(encode_response("r1", PlayerReply())) == {
        "request_id": "r1", "success": True, "error": None, "error_code": None, "retry_after": None,
    }  # fmt: skip


def seeds() -> list[bytes]:
    pairs = [("a", "b")]
    return [
        mqtt5.PublishPacket("a/b", b"hi", qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=7, user_properties=pairs,
                            content_type="x", response_topic="y", correlation_data=b"z").write(),
        mqtt5.PublishPacket("a/b", bytes(200)).write(),
        mqtt5.ConnectPacket("a", username="x", password=b"\xff", will=mqtt5.Will("a", payload=b"\xff"),
                            user_properties=pairs, authentication_method="m", authentication_data=b"\xff").write(),
        mqtt5.ConnAckPacket(reason_str="abc", assigned_client_id="é").write(),
        mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("a/#"), mqtt5.TopicFilter("é")], user_properties=pairs).write(),
        mqtt5.SubAckPacket(1, [mqtt5.SubAckReasonCode.NOT_AUTHORIZED], reason_str="é").write(),
        mqtt5.UnsubscribePacket(1, ["a/#", "é"]).write(),
        mqtt5.PubAckPacket(1, reason_code=mqtt5.PubAckReasonCode.NOT_AUTHORIZED, reason_str="é").write(),
        mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SERVER_BUSY, reason_str="é").write(),
        mqtt5.AuthPacket(reason_code=mqtt5.AuthReasonCode.RE_AUTHENTICATE, authentication_method="é").write(),
        mqtt5.PingReqPacket().write(),
    ]  # fmt: skip


def test_valid_packets_pass() -> None:
    assert len(Frames(10_000).feed(b"".join(seeds()))) == len(seeds())


def test_no_packet_harms_the_codec() -> None:
    """The codec panics, with a line on standard error, on text that is not UTF-8: it must never see any."""
    dice = random.Random(5)
    honest = seeds()
    for _ in range(20_000):
        data = bytearray(dice.choice(honest))
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(data))
            match dice.randrange(3):
                case 0:
                    data[at] = dice.randrange(256)
                case 1:
                    data.insert(at, dice.randrange(256))
                case _ if len(data) > 1:
                    del data[at]
        with contextlib.suppress(BadPacket):
            Frames(10_000).feed(bytes(data))
