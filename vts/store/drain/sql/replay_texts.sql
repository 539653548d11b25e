-- The texts that rows of the catalog carry beside their columns: their own and their owner's.
INSERT INTO reference_texts
SELECT DISTINCT ON (number) number, text
FROM unnest($1::text[]) AS body, LATERAL (VALUES
    ((body::jsonb ->> 'post_id')::bigint, body::jsonb ->> 'ref'),
    ((body::jsonb ->> 'owner_id')::bigint, body::jsonb ->> 'owner_ref')) AS named (number, text)
WHERE text IS NOT NULL ORDER BY number
ON CONFLICT DO NOTHING
