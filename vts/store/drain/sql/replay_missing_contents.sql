-- Which of these (post_id, revision, revisions of its fields) the database lacks: place, and the row that it has instead, if
-- any. A newer row lacks a field that it has from an older write than the wanted row has.
SELECT wanted.place, known.revision, to_jsonb(known)::text AS row
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY AS wanted (post_id, revision, fields, place)
    LEFT JOIN content AS known USING (post_id)
WHERE known.post_id IS NULL
    OR known.revision < wanted.revision
    OR (known.revision > wanted.revision AND known.field_revisions IS NOT NULL AND EXISTS (
        SELECT FROM jsonb_each_text(wanted.fields::jsonb) AS field
        WHERE field.value::bigint > COALESCE((known.field_revisions ->> field.key)::bigint, 0)))
ORDER BY wanted.place
