-- As for contents; one that was removed at that revision or later is not lacked.
SELECT wanted.place, known.revision, to_jsonb(known)::text AS row
FROM unnest($1::uuid[], $2::bigint[], $3::text[]) WITH ORDINALITY AS wanted (player_key, revision, fields, place)
    LEFT JOIN players AS known USING (player_key)
WHERE (known.player_key IS NULL
        OR known.revision < wanted.revision
        OR (known.revision > wanted.revision AND known.field_revisions IS NOT NULL AND EXISTS (
            SELECT FROM jsonb_each_text(wanted.fields::jsonb) AS field
            WHERE field.value::bigint > COALESCE((known.field_revisions ->> field.key)::bigint, 0))))
    AND NOT EXISTS (
        SELECT FROM catalog_removed AS removed
        WHERE removed.player_key = wanted.player_key AND removed.revision >= wanted.revision)
ORDER BY wanted.place
