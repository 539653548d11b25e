-- As import_parts_before, for page views and host events.
INSERT INTO import_parts (import_id, post_id, day, counts, breakdowns, sketch, sketch_authenticated)
SELECT '', -1, day, ARRAY[page_views], '{}', sketch, sketch_authenticated
FROM site_stats_daily AS known
WHERE day = ANY($1::date[])
    AND NOT EXISTS (SELECT FROM import_parts AS part WHERE part.day = known.day AND part.post_id = -1)
