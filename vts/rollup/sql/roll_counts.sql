    -- The places are those of vts.model.tally.DIMENSIONS; $3 day, $4 slices, $5 slice.
    SELECT post_id AS id, (10 - round(log(2047 - absent) / log(2)))::smallint AS dimension, value, views, authenticated
    FROM (
        SELECT post_id,
            GROUPING(country_code, device_type, view_type, view_source, channel, play_order, referrer_domain,
                playlist_id, hour_utc, local_hour, local_weekday) AS absent,
            COALESCE(country_code, device_type, view_type, view_source, channel, play_order::text, referrer_domain,
                playlist_id::text, hour_utc::text, local_hour::text, local_weekday::text) AS value,
            count(*) AS views, count(*) FILTER (WHERE authenticated) AS authenticated
        FROM (
            SELECT *, date_part('hour', created_at AT TIME ZONE 'UTC')::smallint AS hour_utc
            FROM view_events AS seen
            WHERE event_day = $3 AND post_id % $4::bigint = $5::bigint AND NOT EXISTS (
                SELECT FROM roll_authors AS own WHERE own.post_id = seen.post_id AND own.event_id = seen.event_id)
        ) AS seen
        GROUP BY GROUPING SETS (
            (post_id, country_code), (post_id, device_type), (post_id, view_type), (post_id, view_source),
            (post_id, channel), (post_id, play_order), (post_id, referrer_domain), (post_id, playlist_id),
            (post_id, hour_utc), (post_id, local_hour), (post_id, local_weekday))
    ) AS sets
    WHERE value IS NOT NULL
