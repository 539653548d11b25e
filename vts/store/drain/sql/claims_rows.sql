-- The rows of these events, under their day or the one before or after. OFFSET 0 keeps it probes of a key for each.
SELECT stored.*
FROM unnest($1::bigint[], $2::uuid[], $3::date[]) AS wanted (subject, event_id, day)
CROSS JOIN LATERAL (
    SELECT {columns} FROM {table}
    WHERE {match} event_day BETWEEN wanted.day - 1 AND wanted.day + 1 AND {table}.event_id = wanted.event_id
    OFFSET 0
) AS stored
