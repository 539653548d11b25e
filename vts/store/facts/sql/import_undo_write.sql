-- Rows without anything go.
WITH after AS (
    SELECT * FROM unnest(
        $1::bigint[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
        $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::text[], $14::bytea[],
        $15::bytea[]
    ) AS u (post_id, day, views, views_authenticated, viewers, viewers_authenticated, imported, imported_authenticated,
        first_at, last_at, first_at_authenticated, last_at_authenticated, breakdowns, sketch, sketch_authenticated)
), gone AS (
    DELETE FROM post_stats_daily AS known USING after
    WHERE known.post_id = after.post_id AND known.day = after.day AND after.views = 0 AND after.imported = 0
)
UPDATE post_stats_daily AS known SET
    total_views = after.views,
    total_views_authenticated = after.views_authenticated,
    unique_viewers = after.viewers,
    unique_viewers_authenticated = after.viewers_authenticated,
    unique_viewers_imported = after.imported,
    unique_viewers_imported_authenticated = after.imported_authenticated,
    first_view_at = after.first_at,
    last_view_at = after.last_at,
    first_view_at_authenticated = after.first_at_authenticated,
    last_view_at_authenticated = after.last_at_authenticated,
    breakdowns = after.breakdowns::json,
    sketch = after.sketch,
    sketch_authenticated = after.sketch_authenticated,
    rolled_at = now()
FROM after
WHERE known.post_id = after.post_id AND known.day = after.day AND (after.views > 0 OR after.imported > 0)
