SELECT stats.post_id, stats.day, stats.total_views, stats.unique_viewers, stats.breakdowns
FROM unnest($1::bigint[], $2::date[]) AS wanted (post_id, day)
JOIN post_stats_daily AS stats USING (post_id, day)
ORDER BY stats.post_id, stats.day
FOR UPDATE OF stats
