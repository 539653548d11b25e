"""What the web needs from the rest of the house: plain callables, handed in by the tree."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any

from vts.auth.tickets import Tickets
from vts.auth.tokens import Tokens
from vts.capture.events.imported import Imports
from vts.enrich.client_ip import Networks
from vts.model.content import ContentRow, PlayerRow
from vts.model.ports import Catalog, Clock
from vts.model.principal import Principal
from vts.model.reaction import Comment, Reaction
from vts.query.analytics import LoadEngagement, LoadHours
from vts.query.artist import LoadArtistFacts
from vts.query.artist_posts import LoadPosts
from vts.query.export.exports import Exports
from vts.query.export.table import Table
from vts.query.playlist import LoadPlaylist
from vts.query.post import LoadPostFacts
from vts.query.post_load import PostViews
from vts.query.site import LoadSiteFacts

Readiness = dict[str, str]
"""Part → "ok" or what is wrong with it."""

Audit = Callable[[str, str, str, dict[str, Any]], Awaitable[None]]
"""(actor, action, subject, detail): notes who did what, before it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything the routes call. A callable that needs PostgreSQL raises StoreUnavailable when it is away."""

    clock: Clock
    catalog: Catalog
    tokens: Tokens
    tickets: Tickets
    live_events: Callable[[Principal | None, str, str], AsyncIterator[bytes]]
    anonymous_live: bool
    allowed_origins: frozenset[str]
    hosts: Container[str]
    public_url: str
    trusted_proxies: Networks
    upsert_contents: Callable[[Sequence[ContentRow]], Awaitable[int]]
    upsert_players: Callable[[Sequence[PlayerRow]], Awaitable[int]]
    delete_content: Callable[[int], Awaitable[bool]]
    delete_player: Callable[[bytes], Awaitable[bool]]
    react: Callable[[Reaction], Awaitable[None]]
    comment: Callable[[Comment], Awaitable[None]]
    post_facts: LoadPostFacts
    post_views: Callable[[int], Awaitable[PostViews]]
    artist_facts: LoadArtistFacts
    artist_posts: LoadPosts
    site_facts: LoadSiteFacts
    engagement_facts: LoadEngagement
    hours_facts: LoadHours
    playlist_facts: LoadPlaylist
    exports: Exports
    imports: Imports
    audit: Audit
    audit_page: Callable[[int, int], Awaitable[Sequence[dict[str, Any]]]]
    person_tables: Callable[[int], list[Table]]
    erase_person: Callable[[int], Awaitable[dict[str, int]]]
    lag_s: Callable[[], float]
    accepting: Callable[[], bool]
    readiness: Callable[[], Readiness]
    metrics: Callable[[], bytes]
    status: Callable[[], dict[str, Any]]
