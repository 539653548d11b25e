"""The pure parts: names of topics, the five-minute window, frames, what a client may say."""

from __future__ import annotations

import random
from uuid import UUID as Uuid

import pytest
import trio
import wsproto
import wsproto.events
from msgspec.structs import replace

from tests.live.scripted import MODERATOR, OWNER
from vts.live.board import Board, Frame, Reader
from vts.live.frames import Ask, BadFrame, error, read
from vts.live.topics import BadTopic, Topic, parse, who_may_see
from vts.live.tracks import TopRow
from vts.live.window import SPAN_S, ViewerWindow
from vts.model.content import Content, Player
from vts.model.reference import HASHED_MIN, NoReferenceKey, ReferenceKey, References

PLAYER = "0189fd1a-6d2f-7c00-8000-00000000002a"
NAMES = References(ReferenceKey(b"k" * 32))
KEY = bytes.fromhex(PLAYER.replace("-", ""))


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("post:42", Topic("post", 42, "post:42")),
        ("post:042", Topic("post", 42, "post:42")),  # as in paths
        ("artist:7", Topic("artist", 7, "artist:7")),
        ("stream:1", Topic("stream", 1, "stream:1")),
        ("site", Topic("site", None, "site")),
        ("top", Topic("top", None, "top")),
        (f"player:{PLAYER}", Topic("player", KEY, f"player:{PLAYER}")),
        (f"player:{PLAYER.upper()}", Topic("player", KEY, f"player:{PLAYER}")),
        (f"player:{Uuid(int=1)}", Topic("player", bytes(15) + b"\1", f"player:{Uuid(int=1)}")),  # of any variant
    ],
)
def test_a_topic_has_one_name(name: str, topic: Topic) -> None:
    assert parse(name) == topic


@pytest.mark.parametrize(
    "name",
    [
        "",
        "post",
        "post:",
        "post:0",
        "post:-1",
        "post:1 ",
        "post:4٢",
        "post:1e3",
        f"post:{2**63}",
        "posts:1",
        "site:1",
        "top:1",
        "player:42",
        "player:" + "0" * 36,
        "Post:1",
        "post:" + "1" * 10000,
        'post:1"',
        f"post:{HASHED_MIN}",
        f"artist:{HASHED_MIN}",
        "post:song:1",
        "post:blog:",
        "post:blog",
        "artist:",
        "stream:a b",
        "artist:" + "x" * 129,
    ],
)
def test_what_is_no_topic(name: str) -> None:
    with pytest.raises(BadTopic):
        parse(name)


UUID = "2f6c0000-0000-4000-8000-0000000000ab"


@pytest.mark.parametrize(
    ("name", "text", "spelled"),
    [
        ("post:blog:1030", "blog:1030", "post:blog:1030"),
        ("post:artwork:42", "artwork:42", "post:artwork:42"),
        (f"post:stream:{UUID.upper()}", f"stream:{UUID}", f"post:stream:{UUID}"),
        (f"stream:{UUID.upper()}", f"stream:{UUID}", f"stream:{UUID}"),
        (f"stream:stream:{UUID}", f"stream:{UUID}", f"stream:{UUID}"),
        ("stream:channel:5", "channel:5", "stream:channel:5"),
        ("stream:stream:5", "stream:5", "stream:stream:5"),  # stream:5 is content 5
    ],
)
def test_a_topic_of_a_text_is_about_its_number(name: str, text: str, spelled: str) -> None:
    assert parse(name, NAMES) == Topic(name.partition(":")[0], NAMES.content(text), spelled)
    assert parse(spelled, NAMES) == parse(name, NAMES)
    with pytest.raises(NoReferenceKey):
        parse(name)


def test_an_artist_may_have_any_name() -> None:
    assert parse('artist:"ß, é"', NAMES) == Topic("artist", NAMES.user('"ß, é"'), 'artist:"ß, é"')


def test_a_row_of_the_top_shows_the_text_of_its_content() -> None:
    row = TopRow(post_id=1, title=None, views=1, views_today=1, unique_viewers_today=1)
    assert [row.shown(2)["post_id"], row.shown(2)["viewers_now"]] == [1, 2]
    assert replace(row, post_id=HASHED_MIN, ref="blog:1").shown(0)["post_id"] == "blog:1"
    assert replace(row, post_id=2**53).shown(0)["post_id"] == str(2**53)


class Catalog:
    """A catalog of one public content, one deleted, one player."""

    ready = True
    references = None

    def content(self, post_id: int) -> Content | None:
        return {1: Content(7, "artwork", False, False, False), 2: Content(7, "artwork", False, True, False)}.get(
            post_id
        )

    def player(self, player_key: bytes) -> Player | None:
        return Player(owner_id=7, registered=True) if player_key == KEY else None

    def note_view(self, post_id: int) -> None:
        pass

    def register_provisional(self, post_id: int, now_us: int) -> bool:
        return False


@pytest.mark.parametrize(
    ("name", "anonymous", "owner", "moderator"),
    [
        ("post:1", False, True, True),
        ("post:2", False, False, True),
        ("post:3", False, False, True),
        ("stream:1", False, True, True),
        ("artist:7", False, True, True),
        ("artist:8", False, False, True),
        (f"player:{PLAYER}", False, True, True),
        ("player:0189fd1a-6d2f-7c00-8000-00000000002b", False, False, True),
        ("site", False, False, True),
        ("top", False, True, True),
    ],
)
def test_who_may_see_what(name: str, anonymous: bool, owner: bool, moderator: bool) -> None:
    may_see = who_may_see(Catalog(), public_top=False)
    topic = parse(name)
    assert (may_see(None, topic), may_see(OWNER, topic), may_see(MODERATOR, topic)) == (anonymous, owner, moderator)


def test_on_loopback_top_is_public_and_nothing_else() -> None:
    may_see = who_may_see(Catalog(), public_top=True)
    assert may_see(None, parse("top"))
    assert not any(may_see(None, parse(name)) for name in ("site", "post:1", "artist:7", f"player:{PLAYER}"))


def test_the_window_agrees_with_a_recount() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    window = ViewerWindow()
    sightings: list[tuple[int, int, int]] = []
    now_s = 10_000
    for _ in range(3000):
        now_s += chance.randrange(3)
        sighting = (chance.randrange(4), chance.randrange(30), now_s - chance.randrange(20))
        window.see(*sighting)
        sightings.append(sighting)
        window.expire(now_s)
        for post_id in range(4):
            here = {who for post, who, second in sightings if post == post_id and second > now_s - SPAN_S}
            assert window.count(post_id) == len(here)
    together = {who for post, who, second in sightings if post in (1, 2) and second > now_s - SPAN_S}
    assert window.count_together([1, 2]) == len(together)
    window.expire(now_s + SPAN_S)
    assert window._last_seen == {}
    assert window._sightings == 0


def test_the_window_is_bounded_and_lets_the_oldest_go() -> None:
    window = ViewerWindow(capacity=100)
    for number in range(1000):
        window.see(number % 7, number, 1000 + number // 10)
    assert window._sightings <= 100
    assert window.count(999 % 7) > 0


@pytest.mark.parametrize("size", [2, 125, 126, 127, 65_535, 65_536])
def test_a_frame_is_what_the_protocol_wants(size: int) -> None:
    client = wsproto.Connection(wsproto.ConnectionType.CLIENT)
    text = "é" + "x" * (size - 2)
    client.receive_data(Frame(text).websocket)
    got = "".join(part.data for part in client.events() if isinstance(part, wsproto.events.TextMessage))
    assert got == text


def test_a_reader_that_misses_changes_sees_no_gap_and_shares_no_bytes_it_should_not() -> None:
    board = Board(parse("post:1"), "e0")
    quick, slow = Reader(), Reader()
    board.add(quick)
    board.add(slow)
    seen: dict[str, list[str]] = {"quick": [], "slow": []}
    for number in range(1, 10):
        board.publish(f'"views":{number}')
        seen["quick"].append(take(quick))
        if number % 4 == 0:
            seen["slow"].append(take(slow))
    assert seen["quick"] == [message(n, n) for n in range(1, 10)]
    assert seen["slow"] == [message(1, 4), message(2, 8)]


def test_readers_that_keep_up_share_the_very_bytes() -> None:
    board = Board(parse("post:1"), "e0")
    readers = [Reader() for _ in range(3)]
    for reader in readers:
        board.add(reader)
    board.publish('"views":1')
    assert len({id(trio.run(reader.next)) for reader in readers}) == 1


def message(seq: int, views: int) -> str:
    return f'{{"topic":"post:1","epoch":"e0","seq":{seq},"views":{views}}}'


def take(reader: Reader) -> str:
    frame = trio.run(reader.next)
    assert frame is not None
    return frame.text


def test_what_a_client_may_say() -> None:
    assert read('{"op":"subscribe","topics":["post:42"],"more":1}') == Ask("subscribe", ["post:42"])
    assert read('{"op":"unsubscribe","topics":["a","b"]}') == Ask("unsubscribe", ["a", "b"])


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "null",
        "[]",
        '{"op":"subscribe"}',
        '{"op":"shout","topics":["a"]}',
        '{"op":"subscribe","topics":"a"}',
        '{"op":"subscribe","topics":[]}',
        '{"op":"subscribe","topics":[1]}',
        "[" * 4000,
        '{"op":"�"}',
        b"{}",
        '{"op":"subscribe","topics":["' + "x" * 4096 + '"]}',
        '{"op":"subscribe","topics":[' + ",".join(['"a"'] * 101) + "]}",
    ],
)
def test_a_bad_frame_is_named_and_not_echoed(frame: str | bytes) -> None:
    with pytest.raises(BadFrame) as fault:
        read(frame)
    assert "shout" not in str(fault.value)


def test_an_error_has_three_fields() -> None:
    assert error("no", "forbidden", "post:1").text == '{"error":"no","error_code":"forbidden","topic":"post:1"}'
    assert error("no", "invalid_request").text == '{"error":"no","error_code":"invalid_request","topic":null}'
