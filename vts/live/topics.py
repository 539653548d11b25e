"""The names of topics, and the rule of who may follow which."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from vts.capture.players.topics import parse_key
from vts.model.content import KINDS
from vts.model.identity import text_of
from vts.model.ports import Catalog
from vts.model.principal import Principal
from vts.model.reference import (
    TEXT_MAX_CHARS,
    BadReference,
    NoReferenceKey,
    References,
    as_number,
    content_text,
    plain_text,
)
from vts.model.tally import SITE

STREAM: Final = "stream"
_OF_IDS: Final = ("post", "artist", STREAM)
_SHARED: Final = {"post": "content", STREAM: "content", "artist": "artist"}  # the kinds of share links
_NAME_MAX_CHARS: Final = len("artist:") + TEXT_MAX_CHARS
_INTEGER: Final = re.compile(r"-?\d+")


class BadTopic(ValueError):
    """No such topic."""


class Topic(NamedTuple):
    """`key` is the number of a post, artist or stream, the 16 bytes of a player's key, None for `site` and `top`.

    `public`: the form of a post's counts that everyone may see.
    """

    kind: str
    key: int | bytes | None
    name: str
    public: bool = False

    @property
    def post_id(self) -> int | None:
        """The counted post whose numbers this topic shows, None for topics that are more than one post."""
        match self.kind:
            case "post" | "stream":
                assert isinstance(self.key, int)
                return self.key
            case "site":
                return SITE
            case _:
                return None


class TopicName(NamedTuple):
    """What a name says: `subject` is a number, a text or the bytes of a player's key; `name` is its one spelling."""

    kind: str
    subject: int | str | bytes | None
    name: str


def parse(name: str, references: References | None = None) -> Topic:
    """Read a topic's name. Raises BadTopic, and NoReferenceKey for a text without `references`."""
    kind, subject, spelled = read_name(name)
    if isinstance(subject, str):
        if references is None:
            raise NoReferenceKey
        subject = references.user(subject) if kind == "artist" else references.content(subject)
    return Topic(kind, subject, spelled)


def read_name(name: str) -> TopicName:
    """Read a topic's name as far as that needs no key. `post:042` is `post:42`, as in paths. Raises BadTopic."""
    if len(name) > _NAME_MAX_CHARS:
        raise BadTopic("no topic has so long a name")
    if name in ("site", "top"):
        return TopicName(name, None, name)
    kind, _, subject = name.partition(":")
    if kind in _OF_IDS:
        try:
            return _of_id(kind, subject)
        except BadReference as fault:
            raise BadTopic(f"{kind}: {fault}") from None
    if kind == "player":
        raw = parse_key(subject)
        if raw is None:
            raise BadTopic("player: a UUID is expected")
        return TopicName(kind, raw, f"player:{text_of(raw)}")
    raise BadTopic("topics are post:ID, artist:ID, stream:ID, player:KEY, site and top")


def _of_id(kind: str, subject: str) -> TopicName:
    """Read a number or a text. `stream:ID` is the topic of a text `stream:ID`. Raises BadReference, BadTopic."""
    number = as_number(subject)
    if number is not None:
        return TopicName(kind, number, f"{kind}:{number}")
    if kind == "artist":
        text = plain_text(subject)
        return TopicName(kind, text, f"{kind}:{text}")
    text = content_text(subject, KINDS, default_kind=STREAM if kind == STREAM else None)
    bare = text.removeprefix(f"{STREAM}:")
    is_short = kind == STREAM and bare != text and not _INTEGER.fullmatch(bare)  # stream:5 is content 5
    return TopicName(kind, text, f"{kind}:{bare if is_short else text}")


def who_may_see(catalog: Catalog, *, public_top: bool) -> Callable[[Principal | None, Topic], bool]:
    """Return the rule: owners see what is theirs, readers of everything see all, every bearer of a token sees `top`.

    With `public_top` (VTS listens on loopback only) no token is needed for `top`.
    """

    def may_see(principal: Principal | None, topic: Topic) -> bool:
        if topic.kind == "top":
            return public_top or (principal is not None and principal.only is None)
        if principal is None:
            return False
        if principal.only is not None:
            return (_SHARED.get(topic.kind), topic.key) == principal.only
        return principal.reads_everything or principal.may_read(_owner(catalog, topic))

    return may_see


def is_open_in(catalog: Catalog) -> Callable[[int], bool]:
    """Return the rule of what everyone may follow: contents that are there and public, as in `GET /api/counts`."""

    def is_open(post_id: int) -> bool:
        content = catalog.content(post_id)
        return content is not None and not content.deleted and not content.private

    return is_open


def _owner(catalog: Catalog, topic: Topic) -> int | None:
    match topic:
        case Topic("artist", int(user_id)):
            return user_id
        case Topic("player", bytes(player_key)):
            player = catalog.player(player_key)
            return None if player is None else player.owner_id
        case Topic("post" | "stream", int(post_id)):
            content = catalog.content(post_id)
            return None if content is None or content.deleted else content.owner_id
        case _:
            return None
