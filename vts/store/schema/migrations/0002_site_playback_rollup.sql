-- What a site and its video players report besides views, artists' counters, and what the roll-up keeps in mind.
--
-- On a Citus cluster playback_events is distributed by stream_id like view_events by post_id; the other tables are local.

-- What pages and the host application report. page is normalised (site.page_rules), without query and fragment.
CREATE TABLE site_events (
    created_at      timestamptz NOT NULL,
    event_day       date        NOT NULL,
    key_version     smallint    NOT NULL,
    authenticated   boolean     NOT NULL,
    event_id        uuid        NOT NULL,
    viewer_key      bytea       NOT NULL CHECK (octet_length(viewer_key) = 16),
    event_type      text        NOT NULL CHECK (event_type IN ('page_view', 'signup', 'upload', 'api_call', 'error')),
    device_type     text        NOT NULL,
    viewer_user_id  bigint,
    country_code    text,
    user_agent_hash bytea,
    referrer_domain text,
    page            text,
    error_type      text,
    event_data      text, -- a JSON object as it came
    PRIMARY KEY (event_day, event_id)
) PARTITION BY RANGE (event_day);

-- The counters of a site's day, kept by the drain. Unique visitors are those of page views. Whoever changes a row holds
-- the lock of its day, as for post_stats_daily. breakdowns: page, country, device, referrer and hour_utc count page
-- views, error_type counts errors, {"page": {"/recent": [all, authenticated]}, ...}.
CREATE TABLE site_stats_daily (
    page_views                    bigint  NOT NULL,
    page_views_authenticated      bigint  NOT NULL,
    unique_visitors               bigint  NOT NULL,
    unique_visitors_authenticated bigint  NOT NULL,
    signups                       bigint  NOT NULL,
    signups_authenticated         bigint  NOT NULL,
    uploads                       bigint  NOT NULL,
    uploads_authenticated         bigint  NOT NULL,
    api_calls                     bigint  NOT NULL,
    api_calls_authenticated       bigint  NOT NULL,
    errors                        bigint  NOT NULL,
    errors_authenticated          bigint  NOT NULL,
    rolled_at                     timestamptz,
    day                           date    PRIMARY KEY,
    breakdowns                    json    NOT NULL,
    sketch                        bytea,
    sketch_authenticated          bytea
) WITH (fillfactor = 60);
ALTER TABLE site_stats_daily ALTER COLUMN sketch SET STORAGE EXTERNAL, ALTER COLUMN sketch_authenticated SET STORAGE EXTERNAL;

-- What video players report, in the order of created_at. client_key is the keyed hash of clientId.
CREATE TABLE playback_events (
    stream_id       bigint           NOT NULL CHECK (stream_id > 0),
    created_at      timestamptz      NOT NULL,
    video_time      double precision NOT NULL,
    event_day       date             NOT NULL,
    key_version     smallint         NOT NULL,
    event_id        uuid             NOT NULL,
    client_key      bytea            NOT NULL CHECK (octet_length(client_key) = 16),
    event_type      text             NOT NULL,
    device_type     text             NOT NULL,
    country_code    text,
    referrer_domain text,
    extra           text, -- JSON as it came
    PRIMARY KEY (stream_id, event_day, event_id)
) PARTITION BY RANGE (event_day);

-- The columns of post_stats_daily for all contents of one owner, kept by the drain for the owner that it knows.
CREATE TABLE artist_stats_daily (
    owner_id                     bigint      NOT NULL,
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
    breakdowns                   json        NOT NULL,
    sketch                       bytea,
    sketch_authenticated         bytea,
    PRIMARY KEY (owner_id, day)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE artist_stats_daily ALTER COLUMN sketch SET STORAGE EXTERNAL, ALTER COLUMN sketch_authenticated SET STORAGE EXTERNAL;

-- Days of artists whose contents came to them, or left them, after they had been counted: to be added up anew.
CREATE TABLE artist_stats_dirty (
    owner_id bigint NOT NULL,
    day      date   NOT NULL,
    PRIMARY KEY (owner_id, day)
);

-- Days that were rolled up: a day whose raw rows were dropped is never recomputed, what still comes for it is merged.
CREATE TABLE rollup_days (
    day        date        PRIMARY KEY,
    rolled_at  timestamptz NOT NULL DEFAULT now(),
    dropped_at timestamptz,
    views      bigint      NOT NULL DEFAULT 0
);

-- Make the partitions of one day; true when any was missing. Otherwise as in the first migration.
CREATE OR REPLACE FUNCTION make_day(wanted date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    caller text := CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role') END;
    parent text;
    child  text;
    made   boolean := false;
BEGIN
    IF NOT has_table_privilege(caller, 'view_events', 'INSERT') THEN
        RAISE insufficient_privilege USING MESSAGE = 'only who writes views may make their partitions';
    END IF;
    PERFORM pg_advisory_xact_lock(7283, 1);
    FOREACH parent IN ARRAY ARRAY['view_events', 'site_events', 'playback_events'] LOOP
        child := parent || '_' || to_char(wanted, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(quote_ident(child)) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent);
        EXECUTE format(
            'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, child, wanted, wanted + 1);
        made := true;
    END LOOP;
    RETURN made;
END $$;
