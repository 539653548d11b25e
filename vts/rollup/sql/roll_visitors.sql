INSERT INTO roll_viewers (kind, id, anonymous, authenticated)
SELECT 'visits', 0,
    string_agg(substr(viewer_key, 1, 8), NULL) FILTER (WHERE NOT authenticated),
    string_agg(substr(viewer_key, 1, 8), NULL) FILTER (WHERE authenticated)
FROM site_events
WHERE event_day = $1 AND event_type = 'page_view'
GROUP BY get_byte(viewer_key, 0)
