"""The components of the tree: built once from the settings, before anything runs.

Everything here is sync and local: secrets, tables in memory, clients that have not connected yet. What runs is decided
in storage.py, admission.py and doors.py.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import trio

from config.load import countries_file
from config.settings import Settings
from supervisors.engine.events import Event, Failed, Started
from supervisors.engine.mailbox import Mailbox
from supervisors.tree.clock import now_us
from supervisors.tree.journal_reports import JournalReports
from supervisors.tree.logs import EventLog
from supervisors.tree.metrics import Metrics
from supervisors.tree.secrets import read_secrets, viewer_key_name_of
from supervisors.tree.visitor_keys import Rotation
from vts.admit.admission import Admission
from vts.admit.gate import Gate, GateSettings
from vts.admit.site import SiteAdmission
from vts.admit.site_rules import SiteRules
from vts.admit.texts import JournaledTexts
from vts.auth.seals import Seals
from vts.auth.secrets import load_or_make
from vts.auth.sessions import EndedSessions, Sessions
from vts.auth.tickets import Tickets
from vts.catalog.memory import MemoryCatalog
from vts.enrich.client_ip import Networks
from vts.enrich.country import Countries
from vts.enrich.enrich import Enricher
from vts.enrich.referrer import site_domain
from vts.enrich.schemes import Schemes
from vts.enrich.timezones import TimeZones
from vts.enrich.viewer import ViewerKeys
from vts.journal.entry import Entry, OnSettled
from vts.journal.journal import Journal
from vts.model.day import SECOND_US
from vts.model.hosts import OwnHosts
from vts.model.presence import Presence
from vts.model.record import Record
from vts.service.outcome_feed import OutcomeFeed
from vts.store.schema.migrate import migrations
from vts.store.server.embedded import Embedded
from vts.store.session.connection import Database
from vts.store.session.faults import StoreRefused
from vts.store.session.pool import Readers

_log: Final = logging.getLogger(__name__)

JOURNAL_BOX: Final = 20_000  # entries: one for every connection that the door accepts
WARM_US: Final = 15 * 60 * SECOND_US  # retries come within minutes; the key in the database catches later ones
PROCESS_ID_BYTES: Final = 8


class Components:
    """Every long-lived object of the process. Raises BadStart for a setting that proves wrong when it is used."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.metrics = Metrics()
        self.presence = Presence()
        self.states: dict[str, str] = {}
        self._log_event = EventLog()
        self.doors_open = trio.Event()
        self.memory = MemoryCatalog(settings.catalog.provisional_max)
        self.secrets = read_secrets(settings, folder, references=lambda: self.memory.references)
        self.tickets = Tickets()
        self.seals, self.ended_sessions = Seals(self.secrets.sessions), EndedSessions()
        self.sessions = Sessions(self.seals, self.secrets.tokens, self.ended_sessions, lambda: self.memory.references)
        self.keys = ViewerKeys(self.secrets.viewer, 1, settings.privacy.viewer_identity)
        self.enricher = self._enricher()
        self.rotation = self._rotation()
        self.gate = Gate(_gate_settings(settings), self.memory, self.secrets.identities)
        self.journal_box: Mailbox[Entry] = Mailbox(JOURNAL_BOX)
        self.journal_reports = JournalReports(self.metrics.note)
        self.journal = self._journal()
        self._texts = JournaledTexts(self.memory)
        self.outcome_feed = OutcomeFeed(now_us)
        self.admission = self._admission()
        self.site_admission = self._site_admission()
        self.embedded = None if settings.database.url else Embedded(folder, say=print)
        self.database = self._database()
        self.readers = Readers(self.database, settings.database.readers, settings.database.query_timeout_s)

    def on_event(self, event: Event) -> None:
        """Receive an event of supervision, for the log, the metrics and the readiness of each actor."""
        self._log_event(event)
        self.metrics.on_event(event)
        match event:
            case Failed(name, StoreRefused(), _):
                self.states[name] = "refused"
            case Failed(name, _, _):
                self.states[name] = "down"
            case Started(name):
                self.states[name] = "ok"
                if name == "doors":
                    self.doors_open.set()
            case _:
                pass

    @property
    def is_private(self) -> bool:
        """Whether only this machine reaches the door: it listens on loopback, and no proxy is in front of it."""
        host = self.settings.http.host
        if self.settings.http.trusted_proxies:
            return False
        try:
            return host == "localhost" or ip_address(host).is_loopback
        except ValueError:
            return False

    @property
    def own_hosts(self) -> OwnHosts:
        """The names by which live counts and sign-in may be asked for."""
        http = self.settings.http
        return OwnHosts([*http.allowed_hosts, urlsplit(http.public_url).netloc], loopback_only=self.is_private)

    @property
    def schemes(self) -> Schemes:
        """How the scheme of a client is known."""
        http = self.settings.http
        return Schemes(Networks(http.trusted_proxies), http.public_url.rstrip("/"))

    def contained(self, bug: Exception) -> None:
        """Report an exception that ended one connection and nothing else."""
        self.metrics.note("contained_bug")
        _log.error("a connection failed", exc_info=bug)

    @property
    def process_id(self) -> str:
        """The name of this data folder: the client id of its own session in a shared subscription."""
        loss = "the broker sees a new client; what it kept for the old one is not read"
        return load_or_make(self.folder / "process.id", PROCESS_ID_BYTES, loss=loss).decode("ascii")

    @property
    def slot_id(self) -> bytes:
        """The name of this data folder among the journals in the database: 16 bytes."""
        return hashlib.sha256(b"journal slot " + self.process_id.encode()).digest()[:16]

    @property
    def viewer_key_name(self) -> int:
        """The name of this process's viewer keys, compared among the processes on this database."""
        return viewer_key_name_of(self.settings, self.secrets)

    def _submit(self, records: Sequence[Record], on_settled: OnSettled) -> object:
        return self.journal.submit(records, on_settled)

    def _journal(self) -> Journal:
        return Journal(
            self.folder / "journal.sqlite",
            self.journal_box,
            max_bytes=self.settings.journal.max_bytes,
            keep_drained_s=self.settings.journal.keep_drained_s,
            clock=now_us,
            on_commit=self.metrics.committed,
            on_lost=self.journal_reports.lost,
        )

    def _admission(self) -> Admission:
        count, on_bot = self.metrics.count, self.metrics.bot
        return Admission(self.gate, self._submit, self._texts, now_us, count, on_bot=on_bot, observer=self.outcome_feed)

    def _site_admission(self) -> SiteAdmission:
        limits, raw_days = self.settings.limits, self.settings.retention.raw_days
        rules = SiteRules(self.memory, raw_days=raw_days, per_minute=limits.web_per_minute, burst=limits.web_burst)
        metrics = self.metrics
        return SiteAdmission(
            rules, self._submit, self._texts, now_us, metrics.count, on_bot=metrics.bot, observer=self.outcome_feed
        )

    def _database(self) -> Database:
        settings = self.settings.database
        url = (lambda: settings.url) if self.embedded is None else self.embedded.url
        return Database(url=url, command_timeout_s=settings.command_timeout_s, schema=len(migrations()))

    def _rotation(self) -> Rotation | None:
        privacy = self.settings.privacy
        if not privacy.rotate_days:
            return None
        path = self.folder / "visitors.key"
        return Rotation(self.enricher, now_us, privacy.rotate_days, path, privacy.viewer_secret.encode())

    def _enricher(self) -> Enricher:
        settings = self.settings
        return Enricher(
            keys=self.keys,
            countries=Countries(countries_file(settings)),
            zones=TimeZones(),
            trusted=Networks(settings.http.trusted_proxies),
            cf_ipcountry=settings.geoip.cf_ipcountry,
            own_domain=site_domain(settings.site.domain),
            on_ignored=self.metrics.ignored,
        )


def _gate_settings(settings: Settings) -> GateSettings:
    limits = settings.limits
    return GateSettings(
        strict=settings.catalog.mode == "strict",
        raw_days=settings.retention.raw_days,
        view_once=settings.capture.view_once,
        web_per_minute=limits.web_per_minute,
        web_burst=limits.web_burst,
        impressions_per_minute=limits.impressions_per_minute if limits.web_per_minute else 0,
        impressions_burst=limits.impressions_burst,
        player_interval_us=round(limits.player_interval_s * SECOND_US),
        player_per_minute=limits.player_per_minute,
        provisional_per_minute=settings.catalog.provisional_per_minute,
    )
