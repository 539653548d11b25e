-- Which of these (post_id, revision) the database lacks: place, owner, whether there is a row. A row that only a view or
-- an import has made describes nothing, so it is not newer than a description, at any revision.
SELECT wanted.place, known.owner_id, known.post_id IS NOT NULL
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS wanted (post_id, revision, place)
    LEFT JOIN content AS known USING (post_id)
WHERE known.post_id IS NULL
    OR known.revision < wanted.revision
    OR (known.revision > wanted.revision AND NOT known.deleted
        AND (known.provisional OR num_nonnulls(known.kind, known.owner_id, known.title) = 0))
ORDER BY wanted.place
