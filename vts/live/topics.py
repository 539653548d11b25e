"""The names of topics, and the rule of who may follow which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from vts.model.identity import parse as parse_uuid
from vts.model.identity import text_of
from vts.model.ports import Catalog
from vts.model.principal import Principal
from vts.model.tally import SITE
from vts.model.view import POST_ID_MAX

_NUMBERED: Final = ("post", "artist", "stream")
_NAME_MAX_CHARS: Final = 64  # the longest good name is `player:` and a UUID


class BadTopic(ValueError):
    """No such topic."""


class Topic(NamedTuple):
    """`key` is the number of a post, artist or stream, the 16 bytes of a player's key, None for `site` and `top`."""

    kind: str
    key: int | bytes | None
    name: str

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


def parse(name: str) -> Topic:
    """Read a topic's name. One topic has one name: `post:042` is none. Raises BadTopic."""
    if len(name) > _NAME_MAX_CHARS:
        raise BadTopic("no topic has so long a name")
    if name in ("site", "top"):
        return Topic(name, None, name)
    kind, _, key = name.partition(":")
    if kind in _NUMBERED:
        return Topic(kind, _number(key), name)
    if kind == "player":
        try:
            raw = parse_uuid(key)
        except ValueError:
            raise BadTopic("player: a UUID is expected") from None
        return Topic(kind, raw, f"player:{text_of(raw)}")
    raise BadTopic("topics are post:ID, artist:ID, stream:ID, player:KEY, site and top")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and text[0] != "0" and int(text) <= POST_ID_MAX):
        raise BadTopic("a number from 1 is expected after the colon")
    return int(text)


def who_may_see(catalog: Catalog, *, public_top: bool) -> Callable[[Principal | None, Topic], bool]:
    """Return the rule: owners see what is theirs, readers of everything see all, every bearer of a token sees `top`.

    With `public_top` (VTS listens on loopback only) no token is needed for `top`.
    """

    def may_see(principal: Principal | None, topic: Topic) -> bool:
        if topic.kind == "top":
            return public_top or principal is not None
        if principal is None:
            return False
        return principal.reads_everything or principal.may_read(_owner(catalog, topic))

    return may_see


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
