-- What imports added to these rows, and, under the import_id '', what the rows were before imports.
SELECT part.import_id, part.post_id, part.day, counts, first_at, last_at, first_at_authenticated,
    last_at_authenticated, breakdowns, sketch, sketch_authenticated
FROM unnest($1::text[], $2::bigint[], $3::date[]) AS u (import_id, post_id, day)
JOIN import_parts AS part USING (import_id, post_id, day)
