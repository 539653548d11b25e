"""Every setting, its type and what is allowed. Values and reasons stand in default.toml."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

PORT_MAX: Final = 65_535

Port = Annotated[int, Meta(ge=0, le=PORT_MAX)]
Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the configuration file."""


class Http(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The door."""

    host: str
    port: Port
    trusted_proxies: list[str]
    public_url: Annotated[str, Meta(pattern="^(https?://[^/?#@ ]+)?/?$")]
    allowed_hosts: list[str]
    allowed_origins: list[str]
    tls_cert_file: str
    tls_key_file: str
    body_max_bytes: Count
    gunzip_max_bytes: Count
    batch_body_max_bytes: Count
    bulk_plain_max_bytes: Count
    bulk_rows_max: Count
    import_views_max: Count
    header_max_bytes: Count
    header_timeout_s: Seconds
    body_timeout_s: Seconds
    write_timeout_s: Seconds
    keep_alive_s: Seconds
    connections_max: Count


class Data(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where VTS keeps what is its own."""

    dir: str


class DatabaseSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PostgreSQL: ours when `url` is empty."""

    url: str
    command_timeout_s: Seconds
    query_timeout_s: Seconds
    readers: Annotated[int, Meta(ge=1, le=64)]


class Mqtt(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The broker, and the direct endpoint."""

    url: str
    topic_prefix: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")]
    listen: str
    receive_maximum: Annotated[int, Meta(ge=1, le=65535)]
    packet_max_bytes: Annotated[int, Meta(ge=1024, le=268_435_455)]
    session_expiry_s: Annotated[int, Meta(ge=86_400, le=4_294_967_295)]
    keep_alive_s: Annotated[int, Meta(ge=5, le=65535)]
    client_id: str
    share_group: str
    foreign_requests: Literal["ignore", "refuse"]
    ca_file: str
    tls_cert_file: str
    tls_key_file: str
    client_ca_file: str


class Auth(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens."""

    secret: str
    public_key_file: str
    issuer: str
    audience: str
    revoked_file: str
    user_claim: Annotated[str, Meta(min_length=1)]
    roles_claim: Annotated[str, Meta(min_length=1)]
    role_map: list[str]
    role_flags: list[str]
    session_secret: str
    session_ttl_s: Annotated[int, Meta(ge=60, le=2_592_000)]


class Privacy(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Viewer keys."""

    viewer_secret: str
    viewer_identity: Literal["agent", "address"]
    rotate_days: Annotated[int, Meta(ge=0, le=366)]


class Geoip(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Countries."""

    file: str
    cf_ipcountry: bool


class CatalogSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which contents count."""

    mode: Literal["open", "strict"]
    provisional_max: Annotated[int, Meta(ge=0)]
    provisional_per_minute: Annotated[int, Meta(ge=0)]


class Retention(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long raw rows are kept."""

    raw_days: Annotated[int, Meta(ge=2, le=3660)]


class LimitSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Allowances of viewers and players."""

    web_per_minute: Annotated[int, Meta(ge=0)]
    web_burst: Count
    impressions_per_minute: Annotated[int, Meta(ge=0)]
    impressions_burst: Count
    player_interval_s: Annotated[float, Meta(ge=0)]
    player_per_minute: Count


class CaptureSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts as a view, and how that is answered."""

    post_view_status: Literal["202", "201_204"]
    view_once: bool
    unknown_intent: Literal["intentional", "listing"]


class Players(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Players' last status."""

    offline_after_s: Annotated[float, Meta(ge=30)]


class JournalSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is acknowledged."""

    max_bytes: Annotated[int, Meta(ge=1_048_576)]
    keep_drained_s: Annotated[float, Meta(ge=0)]


class Live(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Live counts."""

    clients_max: Count
    clients_per_address: Count
    public_clients_max: Count
    public_clients_per_address: Count
    public_topics_max: Annotated[int, Meta(ge=1, le=100)]
    write_deadline_s: Seconds
    ping_s: Seconds
    frame_max_bytes: Count
    per_second: Annotated[float, Meta(gt=0, le=50)]


class Site(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The site whose views are counted."""

    domain: str
    timezone: str
    page_strip: Annotated[str, Meta(pattern="^(/[^ ]*)?$")]
    page_rules: list[Annotated[str, Meta(pattern="^/[^ ]* => /[^ ]*$")]]


class Log(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written to standard error."""

    level: Literal["info", "warning", "error"]  # libraries write addresses at "debug"
    format: Literal["auto", "json"]


class Settings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it."""

    http: Http
    data: Data
    database: DatabaseSettings
    mqtt: Mqtt
    auth: Auth
    privacy: Privacy
    geoip: Geoip
    catalog: CatalogSettings
    retention: Retention
    capture: CaptureSettings
    limits: LimitSettings
    players: Players
    journal: JournalSettings
    live: Live
    site: Site
    log: Log


SECRETS = frozenset({("auth", "secret"), ("auth", "session_secret"), ("privacy", "viewer_secret")})
URLS = frozenset({("database", "url"), ("mqtt", "url")})
"""Shown without their password."""
