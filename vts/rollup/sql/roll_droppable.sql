-- Nothing is lost with the raw rows of this day: it is rolled and no row came since, or its raw rows are gone already and
-- what came later was merged.
SELECT EXISTS (
    SELECT FROM rollup_days AS known
    WHERE known.day = $1 AND (
        known.dropped_at IS NOT NULL
        OR NOT EXISTS (SELECT FROM post_stats_daily WHERE post_id = 0 AND day = $1 AND rolled_at IS NULL)
        AND NOT EXISTS (SELECT FROM site_stats_daily WHERE day = $1 AND rolled_at IS NULL)))
