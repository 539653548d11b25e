-- Contents of which only their authors' views are left. By key: the day alone has no index.
DELETE FROM post_stats_daily
WHERE day = $1 AND post_id IN (SELECT post_id FROM roll_authors UNION SELECT 0)
    AND NOT EXISTS (SELECT FROM roll_totals AS totals WHERE totals.kind = 'post' AND totals.id = post_stats_daily.post_id)
