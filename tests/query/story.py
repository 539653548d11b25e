"""A small story of one day, by two players and two visitors; its counts can be checked by hand.

All times are of DAY, a Thursday, in UTC. Ana's player (BR, owner known) and a nameless player (no owner, no country):

    10:00:00  ana       listing      post 1  channel all                order 0   local 07 Thu
    10:00:30  ana       listing      post 2  channel all                order 0   local 07 Thu   30 s after
    10:01:30  ana       intentional  post 2  channel all                order 0   local 07 Thu   60 s after
    10:02:00  ana       listing      post 1  channel hashtag, pixelart  order 2   local 07 Thu   left `all`
    10:42:00  ana       listing      post 1  channel hashtag, pixelart  order 2   local 07 Thu   40 min: 15 count
    10:42:10  ana       listing      post 3  channel hashtag, cats      order 2   local 07 Thu   another hashtag
    11:00:00  nameless  listing      post 1  channel all                order 0
    11:00:20  nameless  listing      post 1  channel all                order 0                  20 s after
    12:00:00  ana       listing      post 1  channel playlist           order 1   playlist 9     local 09 Thu
    12:00:40  ana       listing      post 2  channel playlist           order 1   playlist 9     local 09 Thu  40 s
    12:01:00  nameless  listing      post 2  channel playlist           order 1   playlist 9

Visitors on the web: Eve, signed in, sees post 1 in `promoted` at 13:00 and opens it, without a channel, at 13:05. Bob,
who is not, sees post 1 in `promoted` at 13:10, having opened it at 12:50, and opens post 5 at 13:20.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from tests.store.drained import DAY, ListJournal, Told, drain_of, event, finish
from vts.model import identity
from vts.model.day import DAY_US
from vts.model.view import ViewEvent
from vts.store.session.connection import Database

ANA, NAMELESS, EVE, BOB = (bytes([n]) * 16 for n in (1, 2, 3, 4))

_UNSAID = {
    "country_code": None,
    "referrer_domain": None,
    "local_hour": None,
    "local_weekday": None,
    "play_order": None,
    "playlist_id": None,
    "authenticated": False,
}


def view(who: bytes, time: str, post_id: int, kind: str, day: int = DAY, **fields: object) -> ViewEvent:
    """Return a view at a time of the day, by a player or a visitor."""
    hours, minutes, seconds = map(int, time.split(":"))
    at_us = day * DAY_US + ((hours * 60 + minutes) * 60 + seconds) * 1_000_000
    chance = random.Random(f"{who.hex()}{day}{time}{post_id}")
    player = {"player_key": who, "view_source": "player", "device_type": "player"} if who in (ANA, NAMELESS) else {}
    said = {"view_type": kind, "viewer_key": who, "event_id": identity.version_7(at_us, chance.randbytes(10))}
    base = event(chance, post_id=post_id, day=day)
    return msgspec.structs.replace(base, **(_UNSAID | player | said | {"created_at": at_us} | fields))


def ana(time: str, post_id: int, kind: str, hour: int, **fields: object) -> ViewEvent:
    """Return a view of Ana's player."""
    known = {"country_code": "BR", "authenticated": True, "local_hour": hour, "local_weekday": 3}
    return view(ANA, time, post_id, kind, **(known | fields))


def story() -> list[ViewEvent]:
    """Return the story's views."""
    everything = {"channel": "all", "play_order": 0}
    tagged = {"channel": "hashtag", "play_order": 2}
    listed = {"channel": "playlist", "play_order": 1, "playlist_id": 9}
    promoted = {"channel": "promoted", "country_code": "DE"}
    return [
        ana("10:00:00", 1, "listing", 7, **everything),
        ana("10:00:30", 2, "listing", 7, **everything),
        ana("10:01:30", 2, "intentional", 7, **everything),
        ana("10:02:00", 1, "listing", 7, channel_context="pixelart", **tagged),
        ana("10:42:00", 1, "listing", 7, channel_context="pixelart", **tagged),
        ana("10:42:10", 3, "listing", 7, channel_context="cats", **tagged),
        view(NAMELESS, "11:00:00", 1, "listing", **everything),
        view(NAMELESS, "11:00:20", 1, "listing", **everything),
        ana("12:00:00", 1, "listing", 9, **listed),
        ana("12:00:40", 2, "listing", 9, **listed),
        view(NAMELESS, "12:01:00", 2, "listing", **listed),
        view(EVE, "13:00:00", 1, "listing", authenticated=True, **promoted),
        view(EVE, "13:05:00", 1, "intentional", authenticated=True, country_code="DE"),
        view(BOB, "12:50:00", 1, "intentional"),
        view(BOB, "13:10:00", 1, "listing", **promoted),
        view(BOB, "13:20:00", 5, "intentional"),
    ]


async def stored(database: Database, events: Sequence[ViewEvent], journal_id: bytes = b"story" * 3 + b"!") -> None:
    """Drain the views into the database: raw rows and counters, as they really come."""
    journal = ListJournal(journal_id)
    journal.append(*events)
    await finish(drain_of(lambda: database.connect("writer"), journal, Told()))
