-- Views via each playlist; of a breakdown the $1 largest values and `other`.
WITH counted AS (
    SELECT playlist_id, count(*) AS views, count(*) FILTER (WHERE authenticated) AS views_authenticated,
        COALESCE(sum(dwell_ms), 0)::bigint AS dwell_ms,
        COALESCE(sum(dwell_ms) FILTER (WHERE authenticated), 0)::bigint AS dwell_ms_authenticated,
        count(dwell_ms) AS dwell_views, count(dwell_ms) FILTER (WHERE authenticated) AS dwell_views_authenticated
    FROM analytics_views WHERE playlist_id IS NOT NULL GROUP BY playlist_id
), viewers AS (
    SELECT playlist_id, string_agg(substr(viewer_key, 1, 8), '') AS viewers,
        string_agg(substr(viewer_key, 1, 8), '') FILTER (WHERE authenticated) AS viewers_authenticated
    FROM (
        SELECT playlist_id, viewer_key, bool_or(authenticated) AS authenticated
        FROM analytics_views WHERE playlist_id IS NOT NULL GROUP BY playlist_id, viewer_key
    ) AS viewer
    GROUP BY playlist_id
), valued AS (
    SELECT playlist_id, dimension, value, count(*) AS n, count(*) FILTER (WHERE authenticated) AS authenticated,
        row_number() OVER (PARTITION BY playlist_id, dimension ORDER BY count(*) DESC, value) AS place
    FROM analytics_views
        CROSS JOIN LATERAL (VALUES ('post', post_id::text), ('country', country_code)) AS of_view (dimension, value)
    WHERE playlist_id IS NOT NULL AND value IS NOT NULL
    GROUP BY playlist_id, dimension, value
), folded AS (
    SELECT playlist_id, dimension, CASE WHEN place <= $1 THEN value ELSE 'other' END AS value,
        sum(n) AS n, sum(authenticated) AS authenticated
    FROM valued GROUP BY 1, 2, 3
), broken_down AS (
    SELECT playlist_id, json_object_agg(dimension, pairs ORDER BY dimension)::text AS breakdowns FROM (
        SELECT playlist_id, dimension,
            json_object_agg(value, json_build_array(n, authenticated) ORDER BY n DESC, value) AS pairs
        FROM folded GROUP BY playlist_id, dimension
    ) AS one
    GROUP BY playlist_id
)
SELECT playlist_id, views, views_authenticated, dwell_ms, dwell_ms_authenticated, dwell_views,
    dwell_views_authenticated, breakdowns, viewers, viewers_authenticated
FROM counted JOIN viewers USING (playlist_id) JOIN broken_down USING (playlist_id) ORDER BY playlist_id
