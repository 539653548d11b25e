-- What rolled days of contents add up to: of all time by view type, and of every beginning of a month.

-- At every moment, for a content and for any days: rows of post_stats_daily that are rolled up = what post_totals (of all
-- time) or post_digests (of a month up to a day) have + what post_changes has. Readers add these two and the rows that
-- are not rolled up, in one snapshot.

CREATE TABLE post_totals (
    post_id     bigint PRIMARY KEY,
    views       bigint NOT NULL,
    intentional bigint NOT NULL,
    listing     bigint NOT NULL,
    search      bigint NOT NULL,
    widget      bigint NOT NULL
) WITH (fillfactor = 70);

-- Views and the sum of the daily viewers of every content, from the first of the month up to this day, side by side,
-- big-endian, in the order of post_id. A day without a row is as the one before it.
CREATE TABLE post_digests (
    day     date  PRIMARY KEY,
    posts   bytea NOT NULL, -- 8 bytes for a content
    views   bytea NOT NULL, -- 8 bytes
    viewers bytea NOT NULL  -- 8 bytes
);
ALTER TABLE post_digests
    ALTER COLUMN posts SET STORAGE EXTERNAL, ALTER COLUMN views SET STORAGE EXTERNAL,
    ALTER COLUMN viewers SET STORAGE EXTERNAL;

-- What changed in rolled days and is in neither of them yet: rows are added by the transaction that changes the days,
-- and taken away by the one that adds them up.
CREATE TABLE post_changes (
    day         date   NOT NULL,
    post_id     bigint NOT NULL,
    views       bigint NOT NULL,
    viewers     bigint NOT NULL,
    intentional bigint NOT NULL,
    listing     bigint NOT NULL,
    search      bigint NOT NULL,
    widget      bigint NOT NULL
);
CREATE INDEX post_changes_by_post ON post_changes (post_id);
CREATE INDEX post_changes_by_day ON post_changes (day);

-- The rows that are not rolled up: today's, and those that late rows came for. The drain's updates stay heap-only, since
-- they do not change whether a row is in here.
CREATE INDEX post_stats_open ON post_stats_daily (post_id) WHERE rolled_at IS NULL;

-- A row that is rolled up before or after a change (a roll-up, a late row, an import) notes the difference. Rows of open
-- days, which the drain changes all the time, never get here.
CREATE FUNCTION note_post_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.rolled_at IS NOT NULL AND NEW.rolled_at IS NOT NULL AND OLD.total_views = NEW.total_views
        AND OLD.unique_viewers + OLD.unique_viewers_imported = NEW.unique_viewers + NEW.unique_viewers_imported
        AND OLD.breakdowns::text = NEW.breakdowns::text THEN
        RETURN NULL;
    END IF;
    IF OLD.rolled_at IS NOT NULL THEN
        INSERT INTO post_changes (day, post_id, views, viewers, intentional, listing, search, widget)
        SELECT OLD.day, OLD.post_id, -OLD.total_views, -OLD.unique_viewers - OLD.unique_viewers_imported,
            -coalesce((kinds->'intentional'->>0)::bigint, 0), -coalesce((kinds->'listing'->>0)::bigint, 0),
            -coalesce((kinds->'search'->>0)::bigint, 0), -coalesce((kinds->'widget'->>0)::bigint, 0)
        FROM (SELECT OLD.breakdowns->'type' AS kinds OFFSET 0) AS counted;
    END IF;
    IF NEW.rolled_at IS NOT NULL THEN
        INSERT INTO post_changes (day, post_id, views, viewers, intentional, listing, search, widget)
        SELECT NEW.day, NEW.post_id, NEW.total_views, NEW.unique_viewers + NEW.unique_viewers_imported,
            coalesce((kinds->'intentional'->>0)::bigint, 0), coalesce((kinds->'listing'->>0)::bigint, 0),
            coalesce((kinds->'search'->>0)::bigint, 0), coalesce((kinds->'widget'->>0)::bigint, 0)
        FROM (SELECT NEW.breakdowns->'type' AS kinds OFFSET 0) AS counted;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER post_stats_added AFTER INSERT ON post_stats_daily
    FOR EACH ROW WHEN (NEW.rolled_at IS NOT NULL AND NEW.post_id > 0) EXECUTE FUNCTION note_post_change();
CREATE TRIGGER post_stats_changed AFTER UPDATE ON post_stats_daily
    FOR EACH ROW WHEN ((OLD.rolled_at IS NOT NULL OR NEW.rolled_at IS NOT NULL) AND OLD.post_id > 0)
    EXECUTE FUNCTION note_post_change();
CREATE TRIGGER post_stats_removed AFTER DELETE ON post_stats_daily
    FOR EACH ROW WHEN (OLD.rolled_at IS NOT NULL AND OLD.post_id > 0) EXECUTE FUNCTION note_post_change();

-- What is rolled up so far is added up in the background, day by day.
INSERT INTO post_changes (day, post_id, views, viewers, intentional, listing, search, widget)
SELECT day, post_id, total_views, unique_viewers + unique_viewers_imported,
    coalesce((kinds->'intentional'->>0)::bigint, 0), coalesce((kinds->'listing'->>0)::bigint, 0),
    coalesce((kinds->'search'->>0)::bigint, 0), coalesce((kinds->'widget'->>0)::bigint, 0)
FROM post_stats_daily, LATERAL (SELECT breakdowns->'type' AS kinds OFFSET 0) AS counted
WHERE rolled_at IS NOT NULL AND post_id > 0;
