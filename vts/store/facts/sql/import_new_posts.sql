-- What an import of counters added to contents makes their rows, as import_count does; all but those of $2 and $3. Their
-- changes are noted here at once, as note_post_change() does for each row: vts.changes_noted is on.
WITH made AS (
    INSERT INTO post_stats_daily (
        post_id, day, total_views, total_views_authenticated, unique_viewers, unique_viewers_authenticated,
        unique_viewers_imported, unique_viewers_imported_authenticated,
        first_view_at, last_view_at, first_view_at_authenticated, last_view_at_authenticated, breakdowns, rolled_at)
    SELECT post_id, day, counts[1], counts[2], 0, 0, counts[3], counts[4],
        first_at, last_at, first_at_authenticated, last_at_authenticated, breakdowns, now()
    FROM import_parts AS part
    WHERE import_id = $1 AND post_id > 0
        AND NOT EXISTS (
            SELECT FROM unnest($2::bigint[], $3::date[]) AS other (post_id, day)
            WHERE other.post_id = part.post_id AND other.day = part.day)
    RETURNING day, post_id, total_views, unique_viewers_imported, breakdowns
)
INSERT INTO post_changes (day, post_id, views, viewers, intentional, listing, search, widget)
SELECT day, post_id, total_views, unique_viewers_imported,
    coalesce((kinds->'intentional'->>0)::bigint, 0), coalesce((kinds->'listing'->>0)::bigint, 0),
    coalesce((kinds->'search'->>0)::bigint, 0), coalesce((kinds->'widget'->>0)::bigint, 0)
FROM made, LATERAL (SELECT breakdowns->'type' AS kinds OFFSET 0) AS counted
