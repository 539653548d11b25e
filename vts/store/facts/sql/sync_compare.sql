-- How many of these contents are new, and how many of the others would change. As catalog_upsert_contents.sql merges them.
SELECT count(*) FILTER (WHERE is_new),
    count(*) FILTER (WHERE NOT is_new AND (before.kind, before.owner_id, before.title, before.category, before.hashtags,
        before.visibility, before.created_at) IS DISTINCT FROM (COALESCE(after.kind, 'artwork'), after.owner_id,
        after.title, after.category, COALESCE(after.hashtags, '{}'), after.visibility, after.created_at))
FROM jsonb_array_elements($1::jsonb) AS body
    LEFT JOIN content AS before ON before.post_id = (body ->> 'post_id')::bigint
    CROSS JOIN LATERAL jsonb_populate_record(before, body) AS after,
    LATERAL (SELECT before.post_id IS NULL OR before.provisional OR before.deleted OR before.kind IS NULL) AS n (is_new)
