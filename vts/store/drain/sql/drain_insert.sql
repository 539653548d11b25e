-- Besides the key: view_events_once, one intentional view of a viewer, content and day.
INSERT INTO {table} ({columns})
SELECT {columns} FROM drain_staging_{table} WHERE place BETWEEN $1 AND $2 ORDER BY place
ON CONFLICT DO NOTHING
RETURNING {returned}, event_day, event_id
