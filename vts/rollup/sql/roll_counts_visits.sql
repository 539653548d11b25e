    -- The places are those of vts.model.site_tally; $3 day
    SELECT 0::bigint AS id, (4 - round(log(31 - absent) / log(2)))::smallint AS dimension, value, views, authenticated
    FROM (
        SELECT GROUPING(page, country_code, device_type, referrer_domain, hour_utc) AS absent,
            COALESCE(page, country_code, device_type, referrer_domain, hour_utc::text) AS value,
            count(*) AS views, count(*) FILTER (WHERE authenticated) AS authenticated
        FROM (
            SELECT *, date_part('hour', created_at AT TIME ZONE 'UTC')::smallint AS hour_utc
            FROM site_events
            WHERE event_day = $3 AND event_type = 'page_view'
        ) AS seen
        GROUP BY GROUPING SETS ((page), (country_code), (device_type), (referrer_domain), (hour_utc))
    ) AS sets
    WHERE value IS NOT NULL
    UNION ALL
    SELECT 0, 5::smallint, COALESCE(error_type, 'unknown'), count(*), count(*) FILTER (WHERE authenticated)
    FROM site_events
    WHERE event_day = $3 AND event_type = 'error'
    GROUP BY 3
