-- A service has named them: provisional contents become permanent.
INSERT INTO content AS known (post_id, revision)
SELECT post_id, $2 FROM unnest($1::bigint[]) AS u (post_id)
ON CONFLICT (post_id) DO UPDATE SET provisional = false, revision = excluded.revision WHERE known.provisional
