-- Engagement by channel, by context of a channel, and by play order; viewers as the heads of their keys, end to end.
WITH keyed AS (
    SELECT kind, value, of_channel.context, post_id, viewer_key, authenticated, dwell_ms, listing, converted,
        converted_authenticated
    FROM analytics_views CROSS JOIN LATERAL (VALUES
        ('channel', channel, ''), ('channel', channel, analytics_views.context), ('play_order', play_order::text, '')
    ) AS of_channel (kind, value, context)
    WHERE value IS NOT NULL AND of_channel.context IS NOT NULL
), counted AS (
    SELECT kind, value, context, count(*) AS views, count(*) FILTER (WHERE authenticated) AS views_authenticated,
        COALESCE(sum(dwell_ms), 0)::bigint AS dwell_ms,
        COALESCE(sum(dwell_ms) FILTER (WHERE authenticated), 0)::bigint AS dwell_ms_authenticated,
        count(dwell_ms) AS dwell_views, count(dwell_ms) FILTER (WHERE authenticated) AS dwell_views_authenticated
    FROM keyed GROUP BY kind, value, context
), pairs AS (
    SELECT kind, value, context, count(*) AS shown, count(*) FILTER (WHERE authenticated) AS shown_authenticated,
        count(*) FILTER (WHERE converted) AS converted,
        count(*) FILTER (WHERE converted_authenticated) AS converted_authenticated
    FROM (
        SELECT kind, value, context, bool_or(authenticated) AS authenticated, bool_or(converted) AS converted,
            bool_or(converted_authenticated) AS converted_authenticated
        FROM keyed WHERE listing GROUP BY kind, value, context, post_id, viewer_key
    ) AS pair
    GROUP BY kind, value, context
), viewers AS (
    SELECT kind, value, context, string_agg(substr(viewer_key, 1, 8), '') AS viewers,
        string_agg(substr(viewer_key, 1, 8), '') FILTER (WHERE authenticated) AS viewers_authenticated
    FROM (
        SELECT kind, value, context, viewer_key, bool_or(authenticated) AS authenticated
        FROM keyed WHERE context = '' GROUP BY kind, value, context, viewer_key
    ) AS viewer
    GROUP BY kind, value, context
)
SELECT kind, value, context, views, views_authenticated, dwell_ms, dwell_ms_authenticated, dwell_views,
    dwell_views_authenticated, COALESCE(shown, 0) AS shown, COALESCE(shown_authenticated, 0) AS shown_authenticated,
    COALESCE(converted, 0) AS converted, COALESCE(converted_authenticated, 0) AS converted_authenticated,
    viewers, viewers_authenticated
FROM counted LEFT JOIN pairs USING (kind, value, context) LEFT JOIN viewers USING (kind, value, context)
ORDER BY kind, value, context
