-- From now on this day is not recomputed: not all of its raw rows are here.
INSERT INTO rollup_days (day, rolled_at, dropped_at, views) VALUES ($1, $2, $2, $3)
ON CONFLICT (day) DO UPDATE SET dropped_at = COALESCE(rollup_days.dropped_at, excluded.dropped_at)
