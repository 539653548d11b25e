INSERT INTO post_viewers_daily (post_id, day, viewer_key, authenticated)
SELECT * FROM unnest($1::bigint[], $2::date[], $3::bytea[], $4::boolean[])
ON CONFLICT (post_id, day, viewer_key) DO NOTHING
RETURNING post_id, day, viewer_key
