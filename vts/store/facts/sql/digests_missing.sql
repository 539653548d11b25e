-- Rolled days of artists with more than $1 contents whose digest is missing or no longer good, the newest first.
WITH large AS MATERIALIZED (
    SELECT owner_id FROM content WHERE owner_id IS NOT NULL GROUP BY owner_id HAVING count(*) > $1
)
SELECT owner_id, days.day
FROM large, LATERAL (
    SELECT day, total_views, rolled_at FROM artist_stats_daily AS stats
    WHERE stats.owner_id = large.owner_id AND rolled_at IS NOT NULL OFFSET 0
) AS days
WHERE NOT EXISTS (
    SELECT FROM artist_posts_daily AS known
    WHERE known.owner_id = large.owner_id AND known.day = days.day
        AND known.total_views = days.total_views AND known.rolled_at = days.rolled_at)
ORDER BY days.day DESC, owner_id
LIMIT $2
