-- The views of a day that count, each with how long it stayed and whether its viewer came back on purpose.
-- $1 day, $2 longest stay in ms, $3 contexts kept of a channel. The condition is that of the index view_events_analytics.
-- A player's viewer key is its own, so only listing views from elsewhere make the second half of `intents` look further.
-- Views by the content's owner do not count, also where the owner was known only later.
WITH reported AS MATERIALIZED (
    SELECT post_id, viewer_key, player_key, authenticated, view_type, country_code, local_hour, local_weekday,
        play_order, playlist_id, channel, NULLIF(channel_context, '') AS context, created_at,
        CASE WHEN player_key IS NOT NULL
                AND channel IS NOT DISTINCT FROM lead(channel) OVER stay
                AND channel_context IS NOT DISTINCT FROM lead(channel_context) OVER stay
                AND playlist_id IS NOT DISTINCT FROM lead(playlist_id) OVER stay
            THEN LEAST((extract(epoch FROM lead(created_at) OVER stay - created_at) * 1000)::bigint, $2)
        END AS dwell_ms
    FROM view_events AS seen
    WHERE event_day = $1 AND (player_key IS NOT NULL OR channel IS NOT NULL OR play_order IS NOT NULL
        OR playlist_id IS NOT NULL OR local_hour IS NOT NULL)
        AND NOT {by_author}
    WINDOW stay AS (PARTITION BY player_key ORDER BY created_at, event_id)
), intents AS (
    SELECT post_id, viewer_key, max(created_at) AS last_at,
        max(created_at) FILTER (WHERE authenticated) AS last_at_authenticated
    FROM (
        SELECT post_id, viewer_key, created_at, authenticated FROM reported WHERE view_type = 'intentional'
        UNION ALL
        SELECT post_id, viewer_key, created_at, authenticated FROM view_events AS seen
        WHERE event_day = $1 AND view_type = 'intentional'
            AND player_key IS NULL AND channel IS NULL AND play_order IS NULL AND playlist_id IS NULL
            AND local_hour IS NULL
            AND (post_id, viewer_key) IN (
                SELECT post_id, viewer_key FROM reported
                WHERE view_type = 'listing' AND player_key IS NULL AND (channel IS NOT NULL OR play_order IS NOT NULL))
            AND NOT {by_author}
    ) AS intent
    GROUP BY post_id, viewer_key
), kept AS (
    SELECT channel, context, context AS name FROM (
        SELECT channel, context,
            row_number() OVER (PARTITION BY channel ORDER BY count(*) DESC, context) AS place
        FROM reported WHERE channel IS NOT NULL AND context IS NOT NULL GROUP BY channel, context
    ) AS ranked
    WHERE place <= $3
)
INSERT INTO analytics_views (
    post_id, playlist_id, dwell_ms, play_order, local_hour, local_weekday, by_player, authenticated, listing,
    converted, converted_authenticated, viewer_key, player_key, country_code, channel, context)
SELECT post_id, playlist_id, dwell_ms, play_order, local_hour, local_weekday, player_key IS NOT NULL, authenticated,
    view_type = 'listing', COALESCE(created_at <= last_at, false),
    COALESCE(authenticated AND created_at <= last_at_authenticated, false),
    viewer_key, player_key, country_code, channel, CASE WHEN context IS NOT NULL THEN COALESCE(name, 'other') END
FROM reported LEFT JOIN intents USING (post_id, viewer_key) LEFT JOIN kept USING (channel, context)
