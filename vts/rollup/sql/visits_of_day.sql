-- $1 day, $2 longest gap within a visit in seconds. A row for all page views and one for the authenticated alone.
WITH seen AS (
    SELECT signed, created_at - lag(created_at) OVER visitor AS since_last,
        lead(created_at) OVER visitor - created_at AS until_next
    FROM site_events CROSS JOIN (VALUES (false), (true)) AS twin (signed)
    WHERE event_day = $1 AND event_type = 'page_view' AND (authenticated OR NOT signed)
    WINDOW visitor AS (PARTITION BY signed, viewer_key ORDER BY created_at)
), placed AS (
    SELECT signed, since_last, COALESCE(since_last > make_interval(secs => $2), true) AS is_first,
        COALESCE(until_next > make_interval(secs => $2), true) AS is_last
    FROM seen
)
SELECT signed, count(*) AS page_views, count(*) FILTER (WHERE is_first) AS visits,
    count(*) FILTER (WHERE is_first AND is_last) AS bounces,
    COALESCE(extract(epoch FROM sum(since_last) FILTER (WHERE NOT is_first)) * 1000, 0)::bigint AS duration_ms
FROM placed GROUP BY signed
