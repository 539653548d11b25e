INSERT INTO viewing_history (
    import_id, user_id, post_id, started_at, ended_at, duration_seconds, position_seconds, completed, stream_url)
SELECT $1, u.*
FROM unnest(
    $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::double precision[], $7::double precision[],
    $8::boolean[], $9::text[]
) AS u
ON CONFLICT (user_id, post_id, started_at) DO NOTHING
RETURNING 1
