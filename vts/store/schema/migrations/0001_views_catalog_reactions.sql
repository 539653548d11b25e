-- Views and their daily counters, the catalog, reactions and comments, and what makes the drain exactly-once.
--
-- Every unique key of a table that grows with the views contains post_id, so that a Citus cluster can distribute
-- view_events, post_stats_daily, content, reactions and comments by it; the other tables stay local.
-- No foreign keys: a distributed table may not point at a local one, and a view outlives its content.

CREATE TABLE view_events (
    -- Wide columns first and nullable ones together: the order costs no padding.
    post_id         bigint      NOT NULL CHECK (post_id > 0),
    created_at      timestamptz NOT NULL,
    event_day       date        NOT NULL,
    key_version     smallint    NOT NULL,
    authenticated   boolean     NOT NULL,
    event_id        uuid        NOT NULL,
    viewer_key      bytea       NOT NULL CHECK (octet_length(viewer_key) = 16),
    device_type     text        NOT NULL,
    view_source     text        NOT NULL,
    view_type       text        NOT NULL,
    viewer_user_id  bigint,
    playlist_id     bigint,
    local_datetime  timestamp,
    local_hour      smallint,
    local_weekday   smallint,
    play_order      smallint,
    player_key      uuid,
    country_code    text,
    user_agent_hash bytea,
    referrer_domain text,
    local_timezone  text,
    channel         text,
    channel_context text,
    PRIMARY KEY (post_id, event_day, event_id)
) PARTITION BY RANGE (event_day);

-- Counters of open days, kept by the drain, and the permanent rows of rolled days: one table, so that no answer has to
-- know which it reads. post_id 0 is the whole site. rolled_at is null while rows came in after the last roll-up.
-- Whoever changes rows of a day holds pg_advisory_xact_lock(7284, days since 1970-01-01) to the end of the transaction,
-- several days in ascending order. breakdowns is json, not jsonb: it is only ever read and written whole, takes half the
-- room and half the time.
CREATE TABLE post_stats_daily (
    post_id                      bigint      NOT NULL,
    total_views                  bigint      NOT NULL,
    total_views_authenticated    bigint      NOT NULL,
    unique_viewers               bigint      NOT NULL,
    unique_viewers_authenticated bigint      NOT NULL,
    first_view_at                timestamptz NOT NULL,
    last_view_at                 timestamptz NOT NULL,
    first_view_at_authenticated  timestamptz,
    last_view_at_authenticated   timestamptz,
    rolled_at                    timestamptz,
    day                          date        NOT NULL,
    breakdowns                   json        NOT NULL, -- {"country": {"BR": [all, authenticated]}, ...}
    sketch                       bytea, -- of all viewers: vts/model/sketch.py
    sketch_authenticated         bytea,
    PRIMARY KEY (post_id, day)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
-- A third of every page stays free: the drain updates today's rows many times a second, and a row that finds room
-- on its own page touches no index. Sketches do not compress.
ALTER TABLE post_stats_daily ALTER COLUMN sketch SET STORAGE EXTERNAL, ALTER COLUMN sketch_authenticated SET STORAGE EXTERNAL;

CREATE TABLE content (
    post_id       bigint      PRIMARY KEY CHECK (post_id > 0),
    owner_id      bigint,
    revision      bigint      NOT NULL,
    created_at    timestamptz,
    registered_at timestamptz NOT NULL DEFAULT now(),
    deleted       boolean     NOT NULL DEFAULT false,
    provisional   boolean     NOT NULL DEFAULT false, -- seen, but no service has described it yet
    seen_twice    boolean     NOT NULL DEFAULT false, -- a second viewer came: a provisional row that stays
    kind          text        CHECK (kind IN ('artwork', 'blog', 'playlist', 'stream')),
    visibility    text        NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'private')),
    title         text,
    category      text,
    hashtags      text[]      NOT NULL DEFAULT '{}'
);
CREATE INDEX content_by_revision ON content (revision, post_id);
CREATE INDEX content_by_owner ON content (owner_id, post_id) WHERE owner_id IS NOT NULL;
CREATE INDEX content_unsettled ON content (registered_at) WHERE provisional AND NOT seen_twice;

CREATE TABLE players (
    player_key      uuid        PRIMARY KEY,
    owner_id        bigint,
    revision        bigint      NOT NULL,
    registered_at   timestamptz NOT NULL DEFAULT now(),
    registered      boolean     NOT NULL DEFAULT true,
    country         text,
    name            text,
    credential_hash bytea       CHECK (length(credential_hash) = 32)
);
CREATE INDEX players_by_revision ON players (revision, player_key);
CREATE INDEX players_by_owner ON players (owner_id) WHERE owner_id IS NOT NULL;

-- One row. Whoever writes to the catalog takes it first, so revisions become visible in their order.
-- Removals up to `horizon` are forgotten: who knows only an older revision loads everything anew.
CREATE TABLE catalog_revision (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    revision bigint  NOT NULL,
    horizon  bigint  NOT NULL
);
INSERT INTO catalog_revision (revision, horizon) VALUES (0, 0);

CREATE TABLE catalog_removed (
    revision   bigint      NOT NULL,
    removed_at timestamptz NOT NULL DEFAULT now(),
    post_id    bigint,
    player_key uuid,
    CHECK (num_nonnulls(post_id, player_key) = 1)
);
CREATE INDEX catalog_removed_by_revision ON catalog_removed (revision);

CREATE TABLE reactions (
    post_id       bigint      NOT NULL,
    user_id       bigint      NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    authenticated boolean     NOT NULL,
    emoji         text        NOT NULL,
    PRIMARY KEY (post_id, user_id, emoji)
);

CREATE TABLE reaction_counts (
    post_id             bigint NOT NULL,
    total               bigint NOT NULL CHECK (total >= 0),
    total_authenticated bigint NOT NULL CHECK (total_authenticated >= 0),
    emoji               text   NOT NULL,
    PRIMARY KEY (post_id, emoji)
) WITH (fillfactor = 80);

CREATE TABLE comments (
    post_id    bigint      NOT NULL,
    comment_id bigint      NOT NULL,
    user_id    bigint      NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (post_id, comment_id)
);

CREATE TABLE comment_counts (
    post_id bigint PRIMARY KEY,
    total   bigint NOT NULL CHECK (total >= 0)
) WITH (fillfactor = 80);

-- How far each journal has been drained: moved only in the transaction that stores what it counts.
CREATE TABLE journal_offset (
    journal_id uuid        PRIMARY KEY,
    seq        bigint      NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 10);

-- Events that PostgreSQL or the conversion to it refused, with the reason; body is ASCII JSON by field names.
CREATE TABLE dead_letters (
    journal_id uuid        NOT NULL,
    seq        bigint      NOT NULL,
    index      integer     NOT NULL,
    reason     text        NOT NULL,
    body       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (journal_id, seq, index)
);

CREATE TABLE audit_log (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    actor   text        NOT NULL,
    action  text        NOT NULL,
    subject text        NOT NULL,
    detail  jsonb       NOT NULL DEFAULT '{}'
);

CREATE TABLE rollup_watermark (
    name      text        PRIMARY KEY,
    day       date        NOT NULL,
    rolled_at timestamptz NOT NULL DEFAULT now()
);

-- Make the partition of one day; true when it was missing. The owner's rights are lent to whoever may
-- write views, since the drain meets a missing day first. ATTACH locks out neither readers nor writers, as
-- CREATE TABLE … PARTITION OF would.
CREATE FUNCTION make_day(wanted date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    caller text := CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role') END;
    child  text := 'view_events_' || to_char(wanted, 'YYYYMMDD');
BEGIN
    IF NOT has_table_privilege(caller, 'view_events', 'INSERT') THEN
        RAISE insufficient_privilege USING MESSAGE = 'only who writes views may make their partitions';
    END IF;
    PERFORM pg_advisory_xact_lock(7283, 1);
    IF to_regclass(quote_ident(child)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE view_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child);
    EXECUTE format(
        'ALTER TABLE view_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', child, wanted, wanted + 1);
    RETURN true;
END $$;
