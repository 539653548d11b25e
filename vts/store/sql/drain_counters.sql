SELECT post_id, day, total_views, unique_viewers_authenticated, breakdowns, sketch, sketch_authenticated
FROM post_stats_daily WHERE post_id = ANY($1::bigint[]) AND day = ANY($2::date[])
