INSERT INTO post_stats_daily (
    post_id, day, total_views, total_views_authenticated, unique_viewers, unique_viewers_authenticated,
    first_view_at, last_view_at, first_view_at_authenticated, last_view_at_authenticated, breakdowns)
SELECT post_id, day, views, views_authenticated, viewers, viewers_authenticated,
    first, last, first_authenticated, last_authenticated, breakdowns::jsonb
FROM unnest(
    $1::bigint[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[]
) AS u (post_id, day, views, views_authenticated, viewers, viewers_authenticated,
        first, last, first_authenticated, last_authenticated, breakdowns)
ON CONFLICT (post_id, day) DO NOTHING
