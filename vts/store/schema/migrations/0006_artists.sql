-- Artists' days that are added up anew, and what a long list of an artist's contents is sorted by.

-- marked_at: when contents changed hands. added_at: null until the day was added up after that. It is added up once more
-- when every process has heard of the change, since a drain may have counted for the former owner until then.
ALTER TABLE artist_stats_dirty
    ADD COLUMN marked_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN added_at timestamptz;

-- For artists with many contents: the numbers of a rolled day, side by side, big-endian, in the order of post_id. Good
-- for as long as total_views and rolled_at are those of the row in artist_stats_daily; a day without a good row here is
-- read from post_stats_daily. Written by vts/store/digests.py, may be emptied at any time.
CREATE TABLE artist_posts_daily (
    owner_id    bigint      NOT NULL,
    total_views bigint      NOT NULL,
    rolled_at   timestamptz NOT NULL,
    day         date        NOT NULL,
    posts       bytea       NOT NULL, -- 8 bytes for a content
    views       bytea       NOT NULL, -- 8 bytes
    viewers     bytea       NOT NULL, -- 8 bytes
    last_view   bytea       NOT NULL, -- 8 bytes: microseconds since 1970-01-01
    PRIMARY KEY (owner_id, day)
);
ALTER TABLE artist_posts_daily
    ALTER COLUMN posts SET STORAGE EXTERNAL, ALTER COLUMN views SET STORAGE EXTERNAL,
    ALTER COLUMN viewers SET STORAGE EXTERNAL, ALTER COLUMN last_view SET STORAGE EXTERNAL;
