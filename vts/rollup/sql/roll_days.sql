-- Days from $1 up to before $2: those that have raw rows, and where $3 also those that are remembered.
WITH partitions AS (
    SELECT to_date(right(relname, 8), 'YYYYMMDD') AS day
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = to_regclass('view_events') AND relname ~ '^view_events_[0-9]{8}$'
), days AS (
    SELECT day, partitions.day IS NOT NULL AS has_rows, rolled_at, dropped_at, rollup_days.catalog_revision
    FROM partitions FULL JOIN rollup_days USING (day)
)
SELECT days.day, has_rows, days.rolled_at, dropped_at, COALESCE(views.total_views, 0),
    (views.day IS NOT NULL AND views.rolled_at IS NULL) OR (visits.day IS NOT NULL AND visits.rolled_at IS NULL),
    COALESCE(days.catalog_revision < (SELECT revision FROM catalog_revision), false)
FROM days
LEFT JOIN post_stats_daily AS views ON views.post_id = 0 AND views.day = days.day
LEFT JOIN site_stats_daily AS visits ON visits.day = days.day
WHERE days.day >= $1 AND days.day < $2 AND (has_rows OR $3)
ORDER BY days.day
