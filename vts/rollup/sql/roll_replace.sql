-- Sketches of the same many viewers, fed in another order, differ by a little in what they estimate: the larger one
-- stays, so that no roll-up makes a displayed number fall. No day has more viewers than views, also where viewers are estimated.
INSERT INTO {table} AS known (
    {key}, day, total_views, total_views_authenticated, unique_viewers, unique_viewers_authenticated,
    first_view_at, last_view_at, first_view_at_authenticated, last_view_at_authenticated,
    breakdowns, sketch, sketch_authenticated, key_version, rolled_at)
SELECT id, $1, views, views_authenticated, LEAST(viewers, views), LEAST(viewers_authenticated, views_authenticated),
    first_view_at, last_view_at, first_view_at_authenticated, last_view_at_authenticated,
    breakdowns, sketch, sketch_authenticated,
    COALESCE((SELECT site.key_version FROM post_stats_daily AS site WHERE site.post_id = 0 AND site.day = $1), 1), $2
FROM roll_totals LEFT JOIN roll_breakdowns USING (kind, id) LEFT JOIN roll_sketches USING (kind, id)
WHERE kind = '{kind}'
ORDER BY id
ON CONFLICT ({key}, day) DO UPDATE SET
    total_views = excluded.total_views,
    total_views_authenticated = excluded.total_views_authenticated,
    unique_viewers = CASE WHEN {stays} THEN known.unique_viewers ELSE excluded.unique_viewers END,
    sketch = CASE WHEN {stays} THEN known.sketch ELSE excluded.sketch END,
    unique_viewers_authenticated = CASE WHEN {stays_authenticated}
        THEN known.unique_viewers_authenticated ELSE excluded.unique_viewers_authenticated END,
    sketch_authenticated = CASE WHEN {stays_authenticated}
        THEN known.sketch_authenticated ELSE excluded.sketch_authenticated END,
    first_view_at = excluded.first_view_at,
    last_view_at = excluded.last_view_at,
    first_view_at_authenticated = excluded.first_view_at_authenticated,
    last_view_at_authenticated = excluded.last_view_at_authenticated,
    breakdowns = excluded.breakdowns,
    rolled_at = excluded.rolled_at
