-- Contents that had their day and that no service has described, with the sketches of who saw them.
SELECT post_id, array_agg(sketch) FROM (
    SELECT post_id FROM content
    WHERE provisional AND NOT seen_twice AND registered_at < now() - interval '24 hours'
    ORDER BY registered_at LIMIT $1
) AS unsettled LEFT JOIN post_stats_daily USING (post_id)
GROUP BY post_id
