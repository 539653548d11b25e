-- From now on these days are not recomputed: their raw rows were never all here.
INSERT INTO rollup_days (day, dropped_at, views)
SELECT u.day, now(), COALESCE(site.total_views, 0)
FROM unnest($1::date[]) AS u (day) LEFT JOIN post_stats_daily AS site ON site.post_id = 0 AND site.day = u.day
ON CONFLICT (day) DO UPDATE SET
    dropped_at = COALESCE(rollup_days.dropped_at, excluded.dropped_at),
    views = excluded.views
