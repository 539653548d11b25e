-- Which of these (player_key, revision) the database lacks; one that was removed at that revision or later is not lacked.
SELECT wanted.place
FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY AS wanted (player_key, revision, place)
    LEFT JOIN players AS known USING (player_key)
WHERE (known.player_key IS NULL OR known.revision < wanted.revision)
    AND NOT EXISTS (
        SELECT FROM catalog_removed AS removed
        WHERE removed.player_key = wanted.player_key AND removed.revision >= wanted.revision)
ORDER BY wanted.place
