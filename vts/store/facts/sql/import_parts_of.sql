SELECT post_id, day, counts, first_at, last_at, first_at_authenticated, last_at_authenticated, breakdowns, sketch,
    sketch_authenticated
FROM import_parts WHERE import_id = $1 ORDER BY day, post_id
