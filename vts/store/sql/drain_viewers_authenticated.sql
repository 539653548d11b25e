-- Known viewers who are authenticated now: only those who were not before come back.
INSERT INTO post_viewers_daily AS known (post_id, day, viewer_key, authenticated)
SELECT post_id, day, viewer_key, true FROM unnest($1::bigint[], $2::date[], $3::bytea[]) AS u (post_id, day, viewer_key)
ON CONFLICT (post_id, day, viewer_key) DO UPDATE SET authenticated = true WHERE NOT known.authenticated
RETURNING post_id, day
