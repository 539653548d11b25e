-- What these rows are before their first import. Views of the site that earlier imports brought are not among them.
INSERT INTO import_parts (
    import_id, post_id, day, counts, first_at, last_at, first_at_authenticated, last_at_authenticated, breakdowns,
    sketch, sketch_authenticated)
SELECT '', known.post_id, known.day,
    ARRAY[known.total_views - COALESCE(GREATEST(told.contents_views, told.site_views), 0), 0, 0, 0],
    first_view_at, last_view_at, first_view_at_authenticated, last_view_at_authenticated, '{}',
    sketch, sketch_authenticated
FROM unnest($1::bigint[], $2::date[]) AS u (post_id, day)
JOIN post_stats_daily AS known USING (post_id, day)
LEFT JOIN imported_site_days AS told ON known.post_id = 0 AND told.day = known.day
WHERE NOT EXISTS (SELECT FROM import_parts AS part WHERE part.day = known.day AND (
    part.post_id = known.post_id OR known.post_id = 0 AND part.post_id > 0))
