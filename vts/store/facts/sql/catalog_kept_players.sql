-- As vts.model.record.CatalogRow has them; a player that is gone without a row.
SELECT COALESCE(known.revision, removed.revision), player_key, (to_jsonb(known) || jsonb_strip_nulls(jsonb_build_object(
        'owner_ref', (SELECT text FROM reference_texts WHERE number = known.owner_id))))::text,
    (extract(epoch FROM now()) * 1000000)::bigint
FROM unnest($1::uuid[]) AS wanted (player_key)
    LEFT JOIN players AS known USING (player_key)
    LEFT JOIN (
        SELECT player_key, max(revision) AS revision FROM catalog_removed GROUP BY player_key
    ) AS removed USING (player_key)
WHERE num_nonnulls(known.revision, removed.revision) > 0
ORDER BY player_key
