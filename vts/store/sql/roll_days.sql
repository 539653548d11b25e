-- Days from $1 up to before $2: those that have raw rows, and where $3 also those that are remembered.
WITH partitions AS (
    SELECT to_date(right(relname, 8), 'YYYYMMDD') AS day
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = to_regclass('view_events') AND relname ~ '^view_events_[0-9]{8}$'
)
SELECT day, partitions.day IS NOT NULL AS has_rows, known.rolled_at, known.dropped_at,
    COALESCE(views.total_views, 0) AS views,
    COALESCE(views.rolled_at IS NULL AND views.day IS NOT NULL, false)
        OR COALESCE(visits.rolled_at IS NULL AND visits.day IS NOT NULL, false) AS dirty
FROM partitions FULL JOIN rollup_days AS known USING (day)
LEFT JOIN post_stats_daily AS views ON views.post_id = 0 AND views.day = COALESCE(partitions.day, known.day)
LEFT JOIN site_stats_daily AS visits ON visits.day = COALESCE(partitions.day, known.day)
WHERE COALESCE(partitions.day, known.day) >= $1 AND COALESCE(partitions.day, known.day) < $2 AND (partitions.day IS NOT NULL OR $3)
ORDER BY 1
