-- Days from $1 on whose views are more than their analytics know of, the newest last.
SELECT day FROM post_stats_daily AS site LEFT JOIN player_stats_daily AS known USING (day)
WHERE site.post_id = 0 AND day BETWEEN $1 AND $2 AND known.site_views IS DISTINCT FROM site.total_views
ORDER BY day
