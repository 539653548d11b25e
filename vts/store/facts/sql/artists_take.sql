-- Marks of a day that are due: how many contents the owner has, and whether it was added up since it was marked. A mark
-- that is being made right now can wait.
SELECT owner_id, (SELECT count(*) FROM content WHERE content.owner_id = marks.owner_id), added_at IS NOT NULL
FROM artist_stats_dirty AS marks
WHERE day = $1 AND (added_at IS NULL OR marked_at < now() - $2::interval)
ORDER BY owner_id
LIMIT $3
FOR UPDATE SKIP LOCKED
