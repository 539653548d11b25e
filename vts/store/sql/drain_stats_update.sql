UPDATE post_stats_daily AS stats SET
    total_views = stats.total_views + u.views,
    total_views_authenticated = stats.total_views_authenticated + u.views_authenticated,
    unique_viewers = stats.unique_viewers + u.viewers,
    unique_viewers_authenticated = stats.unique_viewers_authenticated + u.viewers_authenticated,
    first_view_at = LEAST(stats.first_view_at, u.first),
    last_view_at = GREATEST(stats.last_view_at, u.last),
    first_view_at_authenticated = LEAST(stats.first_view_at_authenticated, u.first_authenticated),
    last_view_at_authenticated = GREATEST(stats.last_view_at_authenticated, u.last_authenticated),
    breakdowns = u.breakdowns::jsonb,
    rolled_at = NULL
FROM unnest(
    $1::bigint[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[]
) AS u (post_id, day, views, views_authenticated, viewers, viewers_authenticated,
        first, last, first_authenticated, last_authenticated, breakdowns)
WHERE stats.post_id = u.post_id AND stats.day = u.day
