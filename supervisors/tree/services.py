"""What the API does, built of the components: one writer session for everything that it writes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from supervisors.tree.clock import now_us
from supervisors.tree.components import Components
from supervisors.tree.live import live_events_of
from supervisors.tree.storage import Storage
from vts.capture.events.imported import ImportedViews
from vts.capture.events.imported_site import ImportedEvents
from vts.capture.events.views import WebReports
from vts.enrich.pages import Pages
from vts.query.export.exports import Exports
from vts.query.questions import Questions
from vts.service.audit_log import AuditLog
from vts.service.catalog_writes import CatalogWrites
from vts.service.content_sync import ContentSync
from vts.service.counter_import import CounterImport
from vts.service.health import DatabaseHealth, Health
from vts.service.import_rules import ImportRules, ImportSession
from vts.service.import_undo import ImportUndo
from vts.service.personal_data import ERASE_TIMEOUT_S, PersonalData, all_drained
from vts.service.reactions import Reactions
from vts.service.share_links import ShareLinks
from vts.service.sign_in import SignIn
from vts.service.site_import import SiteImport
from vts.service.table_import import TableImport
from vts.service.view_import import ViewImport
from vts.store.session.connection import IDLE_WITH_LOCKS_S
from vts.store.session.pool import Writer
from vts.web.access import Access
from vts.web.services import CapturePort, CatalogPort, ImportPort, PersonsPort, Services, SigningPort
from vts.web.zones import Zones


def writer_of(components: Components) -> Writer:
    """Return the writer session of the API."""
    connect = partial(components.database.connect, "writer", name="vts api", idle_in_transaction_s=IDLE_WITH_LOCKS_S)
    return Writer(connect, components.settings.database.command_timeout_s)


def services_of(
    components: Components, storage: Storage, writer: Writer, broker_state: Callable[[], str | None]
) -> Services:
    """Return the ports of the routes."""
    writes = CatalogWrites(writer, components.journal, components.memory, storage.catalog_written, now_us)
    return Services(
        access=_access(components),
        capture=_capture(components, writer, writes),
        catalog=CatalogPort(memory=components.memory, writes=writes, sync=ContentSync(writes, now_us)),
        questions=Questions(
            components.readers,
            components.journal,
            storage.waterline.lag_s,
            components.settings.players.offline_after_s,
        ),
        exports=Exports(storage.sessions.export, components.folder / "exports"),
        persons=PersonsPort(data=_personal_data(components, storage), audit=AuditLog(writer, components.readers)),
        signing=_signing(components, writer),
        health=_health(components, storage, broker_state),
        live_events=live_events_of(storage.hub),
        zones=Zones(components.settings.site.timezone),
        outcome_feed=components.outcome_feed,
        known_counts=storage.known_counts,
    )


def _access(components: Components) -> Access:
    http = components.settings.http
    return Access(
        clock=now_us,
        tokens=components.secrets.tokens,
        tickets=components.tickets,
        sessions=components.sessions,
        seals=components.seals,
        hosts=components.own_hosts,
        allowed_origins=frozenset(http.allowed_origins),
        schemes=components.schemes,
        anonymous_live=components.is_private,
    )


def _signing(components: Components, writer: Writer) -> SigningPort:
    sign_in = SignIn(
        writer,
        components.seals,
        components.secrets.tokens,
        components.ended_sessions,
        lambda: components.memory.references,
        now_us,
        components.settings.auth.session_ttl_s,
    )
    shares = ShareLinks(writer, components.readers, components.memory, components.ended_sessions)
    return SigningPort(sign_in=sign_in, share_links=shares)


def _capture(components: Components, writer: Writer, writes: CatalogWrites) -> CapturePort:
    settings, session = components.settings, ImportSession(writer, writes)
    rules = ImportRules(
        catalog=components.memory,
        strict=settings.catalog.mode == "strict",
        raw_days=settings.retention.raw_days,
        rows_max=settings.http.bulk_rows_max,
        views_max=settings.http.import_views_max,
    )
    reports = WebReports(components.enricher, components.memory, components.metrics.ignored)
    views = ImportedViews(reports, components.secrets.identities)
    pages = Pages(settings.site.page_rules, settings.site.page_strip)
    events = ImportedEvents(components.enricher, components.memory, pages.page_of, components.secrets.identities)
    return CapturePort(
        reactions=Reactions(writer, components.enricher),
        imports=ImportPort(
            counters=CounterImport(rules, session, now_us),
            views=ViewImport(rules, session, views, partial(all_drained, components.journal), now_us),
            site=SiteImport(rules, writer, events, partial(all_drained, components.journal), now_us),
            tables=TableImport(writer, rules.rows_max),
            undo=ImportUndo(writer),
        ),
    )


def _personal_data(components: Components, storage: Storage) -> PersonalData:
    sessions = storage.sessions
    return PersonalData(
        components.journal,
        components.keys.user,
        sessions.export,
        sessions.connector("writer", ERASE_TIMEOUT_S),
        storage.catalog.refresh,
    )


def _health(components: Components, storage: Storage, broker_state: Callable[[], str | None]) -> Health:
    database = DatabaseHealth(
        states=components.states,
        migrator=storage.sessions.migrator,
        waterline=storage.waterline,
        drain=storage.drain,
        embedded=components.embedded is not None,
    )
    return Health(
        states=components.states,
        catalog=components.memory,
        journal=components.journal,
        database=database,
        broker_state=broker_state,
        metrics=components.metrics.render,
    )
