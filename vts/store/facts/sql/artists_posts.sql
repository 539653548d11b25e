-- The counters of a day of the contents of some owners, a page in the order of owner and content.
SELECT owner_id, post_id, stats.*
FROM content, LATERAL (
    SELECT total_views, total_views_authenticated, first_view_at, last_view_at, first_view_at_authenticated,
        last_view_at_authenticated, rolled_at, breakdowns, sketch, sketch_authenticated
    FROM post_stats_daily WHERE post_stats_daily.post_id = content.post_id AND day = $2 OFFSET 0
) AS stats
WHERE owner_id = ANY($1::bigint[]) AND (owner_id, post_id) > ($3, $4)
ORDER BY owner_id, post_id
LIMIT $5
