SELECT post_id, day, total_views, total_views_authenticated, unique_viewers, unique_viewers_authenticated,
    unique_viewers_imported, unique_viewers_imported_authenticated, first_view_at, last_view_at,
    first_view_at_authenticated, last_view_at_authenticated, breakdowns, sketch, sketch_authenticated
FROM post_stats_daily JOIN unnest($1::bigint[], $2::date[]) AS u (post_id, day) USING (post_id, day)
