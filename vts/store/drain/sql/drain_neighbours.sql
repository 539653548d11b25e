-- Which of these ids are stored on the day $3? OFFSET 0 keeps it one probe of one partition's key for each.
SELECT wanted.place
FROM unnest($1::bigint[], $2::uuid[]) WITH ORDINALITY AS wanted (post_id, event_id, place)
CROSS JOIN LATERAL (
    SELECT FROM view_events AS stored
    WHERE stored.post_id = wanted.post_id AND stored.event_day = $3::date AND stored.event_id = wanted.event_id
    OFFSET 0
) AS found
