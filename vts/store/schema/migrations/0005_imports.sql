-- History that came from another system, and the memory that keeps it from counting twice.

-- A day's number of viewers, as another system counted them: no sketch, so no union with other days. A row may have
-- viewers of both kinds; they add up.
ALTER TABLE post_stats_daily
    ADD COLUMN unique_viewers_imported bigint NOT NULL DEFAULT 0,
    ADD COLUMN unique_viewers_imported_authenticated bigint NOT NULL DEFAULT 0;
ALTER TABLE artist_stats_daily
    ADD COLUMN unique_viewers_imported bigint NOT NULL DEFAULT 0,
    ADD COLUMN unique_viewers_imported_authenticated bigint NOT NULL DEFAULT 0;

CREATE TABLE imports (
    import_id   text        PRIMARY KEY,
    kind        text        NOT NULL CHECK (kind IN ('daily', 'views')),
    imported_at timestamptz NOT NULL DEFAULT now(),
    imported    bigint      NOT NULL,
    digest      bytea       NOT NULL -- SHA-256 of what was sent
);

-- Views of days whose raw rows are gone: only that they were counted. On a Citus cluster distributed by post_id.
CREATE TABLE imported_events (
    post_id  bigint NOT NULL,
    event_id uuid   NOT NULL,
    PRIMARY KEY (post_id, event_id)
);
