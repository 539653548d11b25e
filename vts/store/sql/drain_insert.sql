INSERT INTO view_events ({columns})
SELECT {columns} FROM drain_staging WHERE place BETWEEN $1 AND $2 ORDER BY place
ON CONFLICT (post_id, event_day, event_id) DO NOTHING
RETURNING post_id, event_day, event_id
