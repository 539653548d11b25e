-- Imports can be undone: what each of them added is kept beside what it was added to. More kinds of history come in.

-- recorded: what it added is known. It is not for imports of earlier versions, which therefore cannot be undone.
ALTER TABLE imports DROP CONSTRAINT imports_kind_check;
ALTER TABLE imports
    ADD COLUMN recorded boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT imports_kind_check CHECK (kind IN (
        'daily', 'views', 'site_stats', 'site_events', 'playback', 'viewing_history', 'provider_stats'));

-- What an import added to a day of a content. post_id 0: to the views of the site; -1: to its page views and events.
-- import_id '': what the row was before its first import, kept as long as it has one. counts are pairs of [all,
-- authenticated]: views and viewers; of the site's events the types in the order of vts/model/site.py, and visitors.
-- Changed under the lock of its day, as post_stats_daily.
CREATE TABLE import_parts (
    post_id                bigint   NOT NULL,
    day                    date     NOT NULL,
    import_id              text     NOT NULL,
    counts                 bigint[] NOT NULL,
    first_at               timestamptz,
    last_at                timestamptz,
    first_at_authenticated timestamptz,
    last_at_authenticated  timestamptz,
    breakdowns             json     NOT NULL,
    sketch                 bytea,
    sketch_authenticated   bytea,
    PRIMARY KEY (day, post_id, import_id)
);
ALTER TABLE import_parts
    ALTER COLUMN sketch SET STORAGE EXTERNAL, ALTER COLUMN sketch_authenticated SET STORAGE EXTERNAL;
CREATE INDEX import_parts_by_import ON import_parts (import_id) WHERE import_id <> '';

-- Which import counted an event first; post_id 0 for page views and host events. Null: an import of an earlier version.
ALTER TABLE imported_events ADD COLUMN import_id text;
CREATE INDEX imported_events_by_import ON imported_events (import_id) WHERE import_id IS NOT NULL;

-- As for post_stats_daily: a day's number of visitors as another system counted them.
ALTER TABLE site_stats_daily
    ADD COLUMN unique_visitors_imported bigint NOT NULL DEFAULT 0,
    ADD COLUMN unique_visitors_imported_authenticated bigint NOT NULL DEFAULT 0;

-- Playback that another system recorded, until its import is undone. The columns of playback_events.
CREATE TABLE imported_playback_events (
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
    extra           text,
    import_id       text             NOT NULL,
    PRIMARY KEY (stream_id, event_id)
);
CREATE INDEX imported_playback_by_day ON imported_playback_events (event_day, stream_id);
CREATE INDEX imported_playback_by_import ON imported_playback_events (import_id);

-- Who watched what, and for how long. post_id is a content: a channel, a movie, a series, or another one.
CREATE TABLE viewing_history (
    id               bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id          bigint           NOT NULL,
    post_id          bigint           NOT NULL CHECK (post_id > 0),
    started_at       timestamptz      NOT NULL,
    ended_at         timestamptz,
    duration_seconds double precision NOT NULL,
    position_seconds double precision,
    completed        boolean          NOT NULL,
    stream_url       text,
    import_id        text,
    UNIQUE (user_id, post_id, started_at)
);
CREATE INDEX viewing_history_by_user ON viewing_history (user_id, started_at DESC);
CREATE INDEX viewing_history_by_import ON viewing_history (import_id) WHERE import_id IS NOT NULL;

-- What the provider of a stream says about a day of it. The newest import of a (provider, stream, day) is the one that
-- counts; with it undone the one before counts again.
CREATE TABLE provider_stats (
    provider                text        NOT NULL,
    stream_id               bigint      NOT NULL CHECK (stream_id > 0),
    day                     date        NOT NULL,
    import_id               text        NOT NULL,
    imported_at             timestamptz NOT NULL DEFAULT now(),
    views                   bigint,
    unique_viewers          bigint,
    total_watch_seconds     double precision,
    avg_watch_seconds       double precision,
    peak_concurrent_viewers bigint,
    buffer_seconds          double precision,
    buffer_ratio            double precision,
    error_rate              double precision,
    bandwidth_bytes         bigint,
    top_countries           json        NOT NULL DEFAULT '{}',
    device_breakdown        json        NOT NULL DEFAULT '{}',
    PRIMARY KEY (provider, stream_id, day, import_id)
);
CREATE INDEX provider_stats_by_import ON provider_stats (import_id);
