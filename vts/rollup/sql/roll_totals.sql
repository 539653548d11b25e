INSERT INTO roll_totals
SELECT 'post', counted.*
FROM (
    SELECT seen.post_id,
        (SELECT content.owner_id FROM content WHERE content.post_id = seen.post_id),
        count(*), count(*) FILTER (WHERE authenticated),
        min(created_at), max(created_at),
        min(created_at) FILTER (WHERE authenticated), max(created_at) FILTER (WHERE authenticated)
    FROM view_events AS seen
    WHERE event_day = $1 AND NOT EXISTS (
        SELECT FROM roll_authors AS own WHERE own.post_id = seen.post_id AND own.event_id = seen.event_id)
    GROUP BY seen.post_id
) AS counted
