-- As vts.model.record.CatalogRow has them.
SELECT revision, post_id, to_jsonb(content)::text, (extract(epoch FROM now()) * 1000000)::bigint
FROM content WHERE post_id = ANY($1::bigint[]) ORDER BY post_id
