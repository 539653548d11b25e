"""What the routes call: seven ports, each the use cases of one subject. A route gets the ports that it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from vts.model.ports import Catalog
from vts.model.principal import Principal
from vts.query.export.exports import Exports
from vts.query.questions import Questions
from vts.service.audit_log import AuditLog
from vts.service.catalog_writes import CatalogWrites
from vts.service.content_sync import ContentSync
from vts.service.counter_import import CounterImport
from vts.service.health import Health
from vts.service.import_undo import ImportUndo
from vts.service.known_counts import KnownCounts
from vts.service.outcome_feed import OutcomeFeed
from vts.service.personal_data import PersonalData
from vts.service.reactions import Reactions
from vts.service.share_links import ShareLinks
from vts.service.sign_in import SignIn
from vts.service.site_import import SiteImport
from vts.service.table_import import TableImport
from vts.service.view_import import ViewImport
from vts.web.access import Access
from vts.web.zones import Zones

LiveEvents = Callable[[Principal | None, str, str, bool], AsyncIterator[bytes]]
"""(principal, topics separated by commas, client, whether it is one without a token) → server-sent events.

Raises TooManyClients before the first.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPort:
    """The history of another system, by what it is about, and taking an import out again."""

    counters: CounterImport
    views: ViewImport
    site: SiteImport
    tables: TableImport
    undo: ImportUndo


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePort:
    """What services report beside views: reactions, comments, and the history of another system."""

    reactions: Reactions
    imports: ImportPort


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogPort:
    """`memory` answers reads at once; `writes` and `sync` need the database."""

    memory: Catalog
    writes: CatalogWrites
    sync: ContentSync


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonsPort:
    """A person's data, and the log of what was done to it."""

    data: PersonalData
    audit: AuditLog


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningPort:
    """Who gets in: sessions, one-time links, and links that share statistics."""

    sign_in: SignIn
    share_links: ShareLinks


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything the routes call. What needs PostgreSQL raises StoreUnavailable when it is away."""

    access: Access
    capture: CapturePort
    catalog: CatalogPort
    questions: Questions
    exports: Exports
    persons: PersonsPort
    signing: SigningPort
    health: Health
    live_events: LiveEvents
    zones: Zones = field(default_factory=Zones)
    outcome_feed: OutcomeFeed
    known_counts: KnownCounts
