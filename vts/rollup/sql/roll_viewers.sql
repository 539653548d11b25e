-- The first 8 bytes of viewer keys, those of a content behind each other, contents of an artist likewise: a reader
-- in the order of place needs one sketch of a content and one of an artist at a time. A content with many views comes in
-- pieces, by the first byte of the key.
INSERT INTO roll_viewers (kind, id, owner_id, anonymous, authenticated)
SELECT 'post', pieces.id, totals.owner_id, anonymous, authenticated
FROM (
    SELECT seen.post_id AS id, CASE WHEN many.id IS NOT NULL THEN get_byte(viewer_key, 0) END AS piece,
        string_agg(substr(viewer_key, 1, 8), NULL) FILTER (WHERE NOT authenticated) AS anonymous,
        string_agg(substr(viewer_key, 1, 8), NULL) FILTER (WHERE authenticated) AS authenticated
    FROM view_events AS seen
    LEFT JOIN roll_totals AS many ON many.kind = 'post' AND many.id = seen.post_id AND many.views > $2
    WHERE event_day = $1 AND NOT EXISTS (
        SELECT FROM roll_authors AS own WHERE own.post_id = seen.post_id AND own.event_id = seen.event_id)
    GROUP BY 1, 2
) AS pieces
JOIN roll_totals AS totals ON totals.kind = 'post' AND totals.id = pieces.id
ORDER BY totals.owner_id, pieces.id, piece
