-- What the day displays. It grows with every batch that the drain commits for the day, so the same twice means that no
-- row came in between.
SELECT
    COALESCE((SELECT total_views FROM post_stats_daily WHERE post_id = 0 AND day = $1), 0),
    COALESCE((SELECT page_views + signups + uploads + api_calls + errors FROM site_stats_daily WHERE day = $1), 0)
