INSERT INTO artist_stats_daily AS known (
    owner_id, day, total_views, total_views_authenticated, unique_viewers, unique_viewers_authenticated,
    first_view_at, last_view_at, first_view_at_authenticated, last_view_at_authenticated, rolled_at,
    breakdowns, sketch, sketch_authenticated, key_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::text::json, $13, $14,
    COALESCE((SELECT site.key_version FROM post_stats_daily AS site WHERE site.post_id = 0 AND site.day = $2), 1))
ON CONFLICT (owner_id, day) DO UPDATE SET
    total_views = excluded.total_views,
    total_views_authenticated = excluded.total_views_authenticated,
    unique_viewers = excluded.unique_viewers,
    unique_viewers_authenticated = excluded.unique_viewers_authenticated,
    first_view_at = excluded.first_view_at,
    last_view_at = excluded.last_view_at,
    first_view_at_authenticated = excluded.first_view_at_authenticated,
    last_view_at_authenticated = excluded.last_view_at_authenticated,
    rolled_at = excluded.rolled_at,
    breakdowns = excluded.breakdowns,
    sketch = excluded.sketch,
    sketch_authenticated = excluded.sketch_authenticated,
    key_version = GREATEST(known.key_version, excluded.key_version)
