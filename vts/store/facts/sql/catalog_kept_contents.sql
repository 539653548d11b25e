-- As vts.model.record.CatalogRow has them, with the texts of references.
SELECT revision, post_id, (to_jsonb(content) || jsonb_strip_nulls(jsonb_build_object(
        'ref', (SELECT text FROM reference_texts WHERE number = post_id),
        'owner_ref', (SELECT text FROM reference_texts WHERE number = owner_id))))::text,
    (extract(epoch FROM now()) * 1000000)::bigint
FROM content WHERE post_id = ANY($1::bigint[]) ORDER BY post_id
