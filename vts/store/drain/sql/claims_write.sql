INSERT INTO import_parts (
    import_id, post_id, day, counts, first_at, last_at, first_at_authenticated, last_at_authenticated, breakdowns,
    sketch, sketch_authenticated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (day, post_id, import_id) DO UPDATE SET
    counts = EXCLUDED.counts,
    first_at = EXCLUDED.first_at,
    last_at = EXCLUDED.last_at,
    first_at_authenticated = EXCLUDED.first_at_authenticated,
    last_at_authenticated = EXCLUDED.last_at_authenticated,
    breakdowns = EXCLUDED.breakdowns,
    sketch = EXCLUDED.sketch,
    sketch_authenticated = EXCLUDED.sketch_authenticated
