-- Added up: a mark goes once every process has the change, and is looked at again until then.
WITH gone AS (
    DELETE FROM artist_stats_dirty WHERE day = $1 AND owner_id = ANY($2::bigint[]) AND marked_at < now() - $3::interval
)
UPDATE artist_stats_dirty SET added_at = now()
WHERE day = $1 AND owner_id = ANY($2::bigint[]) AND marked_at >= now() - $3::interval
