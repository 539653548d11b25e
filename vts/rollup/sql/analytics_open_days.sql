-- Days from $1 to $2 with raw rows whose views are not those that their analytics contain, the newest first.
SELECT day FROM post_stats_daily AS site
    LEFT JOIN player_stats_daily AS known USING (day)
    LEFT JOIN rollup_days AS rolled USING (day)
WHERE site.post_id = 0 AND day BETWEEN $1 AND $2
    AND known.site_views IS DISTINCT FROM site.total_views AND rolled.dropped_at IS NULL
ORDER BY day DESC
