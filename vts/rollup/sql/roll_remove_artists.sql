DELETE FROM artist_stats_daily
WHERE day = $1
    AND owner_id IN (
        SELECT owner_id FROM content WHERE post_id IN (SELECT post_id FROM roll_authors)
        UNION SELECT owner_id FROM artist_stats_dirty WHERE artist_stats_dirty.day = $1)
    AND NOT EXISTS (
        SELECT FROM roll_totals AS totals WHERE totals.kind = 'artist' AND totals.id = artist_stats_daily.owner_id)
