-- $1 sync, $2 its revision: how many contents it would remove, how many there are, and some of the first.
WITH described AS (
    SELECT post_id, revision <= $2 AND NOT EXISTS (
            SELECT FROM content_sync_named AS named WHERE sync_id = $1 AND named.post_id = content.post_id) AS goes
    FROM content WHERE NOT deleted AND NOT provisional AND kind IS NOT NULL
)
SELECT count(*) FILTER (WHERE goes), count(*),
    ARRAY(SELECT post_id FROM described WHERE goes ORDER BY post_id LIMIT $3)
FROM described
