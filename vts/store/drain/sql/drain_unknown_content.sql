SELECT wanted.post_id FROM unnest($1::bigint[]) AS wanted (post_id)
WHERE NOT EXISTS (SELECT FROM content WHERE content.post_id = wanted.post_id)
