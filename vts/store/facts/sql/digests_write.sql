-- One statement, so that the numbers and what they belong to are of one moment.
INSERT INTO artist_posts_daily (owner_id, day, total_views, rolled_at, posts, views, viewers, last_view)
SELECT owner_id, $2, days.total_views, days.rolled_at,
    string_agg(int8send(post_id), ''::bytea ORDER BY post_id),
    string_agg(int8send(stats.total_views), ''::bytea ORDER BY post_id),
    string_agg(int8send(stats.unique_viewers + stats.unique_viewers_imported), ''::bytea ORDER BY post_id),
    string_agg(int8send((extract(epoch FROM stats.last_view_at) * 1000000)::bigint), ''::bytea ORDER BY post_id)
FROM artist_stats_daily AS days JOIN content USING (owner_id), LATERAL (
    SELECT total_views, unique_viewers, unique_viewers_imported, last_view_at FROM post_stats_daily
    WHERE post_stats_daily.post_id = content.post_id AND day = $2 OFFSET 0
) AS stats
WHERE owner_id = $1 AND days.day = $2 AND days.rolled_at IS NOT NULL
GROUP BY owner_id, days.total_views, days.rolled_at
ON CONFLICT (owner_id, day) DO UPDATE SET
    total_views = excluded.total_views,
    rolled_at = excluded.rolled_at,
    posts = excluded.posts,
    views = excluded.views,
    viewers = excluded.viewers,
    last_view = excluded.last_view
