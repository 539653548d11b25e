"""The ports of the routes for tests that need a few of them."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from quart_trio import QuartTrio

from vts.auth.seals import Seals
from vts.auth.sessions import LOOPBACK_COOKIE, EndedSessions, Sessions
from vts.auth.tickets import Tickets
from vts.auth.tokens import Tokens
from vts.capture.http.limits import Limits
from vts.catalog.memory import MemoryCatalog
from vts.enrich.client_ip import Networks
from vts.enrich.schemes import Schemes
from vts.model.content import ContentRow
from vts.model.grant import Grant
from vts.model.hosts import OwnHosts
from vts.query.questions import Questions
from vts.service.known_counts import KnownCounts
from vts.store.session.pool import Readers
from vts.web.access import Access
from vts.web.app import create_app
from vts.web.services import CapturePort, CatalogPort, PersonsPort, Services, SigningPort
from vts.web.zones import Zones

NOW_S = 1_800_000_000.0
SEALS = Seals(b"a session secret of the tests, long")


def access(**changes: Any) -> Access:
    """Who may ask: this machine only, unless changed."""
    usual: dict[str, Any] = {
        "clock": lambda: int(NOW_S * 1e6),
        "tokens": Tokens(secret=b"a secret of the tests, 32 bytes long"),
        "tickets": Tickets(),
        "seals": SEALS,
        "hosts": OwnHosts([], loopback_only=True),
        "allowed_origins": frozenset(),
        "schemes": schemes(),
        "anonymous_live": True,
    }
    made = usual | changes
    made.setdefault("sessions", Sessions(SEALS, made["tokens"], ended(), lambda: None))
    return Access(**made)


def schemes(trusted: Sequence[str] = (), public_url: str = "") -> Schemes:
    return Schemes(Networks(trusted), public_url)


def ended(*ids: bytes) -> EndedSessions:
    """The list of ended sessions, loaded."""
    known = EndedSessions()
    known.is_loaded = True
    known.add((one, NOW_S + 3600) for one in ids)
    return known


def session_cookie(user_id: int | None = 9, role: str = "user", ttl_s: float = 60, name: str = LOOPBACK_COOKIE) -> str:
    """A Cookie header with a session as VTS signs it."""
    grant = Grant(
        id=b"a session's id..", user=user_id, roles=(role,), issued_s=int(NOW_S), expires_s=int(NOW_S + ttl_s)
    )
    return f"{name}={SEALS.seal('session', grant)}"


def services(rules: Access, **ports: Any) -> Services:
    """The ports that a test needs; a route that calls another one fails with AttributeError."""
    return Services(
        access=rules,
        capture=ports.get("capture", CapturePort(reactions=None, imports=None)),  # type: ignore[arg-type]
        catalog=ports.get("catalog", CatalogPort(memory=MemoryCatalog(), writes=None, sync=None)),  # type: ignore[arg-type]
        questions=ports.get("questions"),
        exports=ports.get("exports"),
        persons=ports.get("persons", PersonsPort(data=None, audit=None)),  # type: ignore[arg-type]
        signing=ports.get("signing", SigningPort(sign_in=None, share_links=None)),  # type: ignore[arg-type]
        health=ports.get("health"),
        live_events=ports.get("live_events"),
        zones=ports.get("zones", Zones()),
        outcome_feed=ports.get("outcome_feed"),
        known_counts=ports.get("known_counts", KnownCounts(DrainedJournal(), lambda: 1, lambda: 0.0)),
    )


def app_of(rules: Access, limits: Limits | None = None, **ports: Any) -> QuartTrio:
    return create_app(services(rules, **ports), limits or Limits())


class WrittenCatalog:
    """Keeps the rows of bulk writes. Its ports need no database."""

    def __init__(self) -> None:
        self.rows: list[ContentRow] = []
        self.port = CatalogPort(memory=MemoryCatalog(), writes=self, sync=None)  # type: ignore[arg-type]
        self.persons = PersonsPort(data=None, audit=self)  # type: ignore[arg-type]

    async def upsert_contents(self, rows: list[ContentRow], texts: Mapping[int, str]) -> int:
        self.rows += rows
        return len(rows)

    async def note(self, *entry: object) -> None:
        pass


class DrainedJournal:
    """A journal whose every record is in the database."""

    oldest_age_s = 0.0

    has_unread = False

    def last_undrained(self, post_ids: Container[int]) -> int:
        return 0

    async def wait_drained(self, seq: int) -> None:
        pass


def questions_of(readers: Readers) -> Questions:
    """Real questions to a real database that lacks nothing."""
    return Questions(readers, DrainedJournal(), lambda: 0.0)
