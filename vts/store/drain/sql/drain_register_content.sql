INSERT INTO content (post_id, revision, provisional)
SELECT post_id, $2, true FROM unnest($1::bigint[]) AS u (post_id)
ON CONFLICT (post_id) DO NOTHING
