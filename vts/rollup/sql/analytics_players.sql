-- One row: what players reported, from where, and who they were.
WITH countries AS (
    SELECT json_object_agg(country_code, json_build_array(n, authenticated) ORDER BY n DESC, country_code) AS pairs
    FROM (
        SELECT country_code, count(*) AS n, count(*) FILTER (WHERE authenticated) AS authenticated
        FROM analytics_views WHERE by_player AND country_code IS NOT NULL GROUP BY country_code
    ) AS country
)
SELECT COALESCE(sum(views), 0)::bigint AS views,
    COALESCE(sum(views_authenticated), 0)::bigint AS views_authenticated,
    count(*) AS players, count(*) FILTER (WHERE views_authenticated > 0) AS players_authenticated,
    COALESCE((SELECT json_build_object('country', pairs) FROM countries WHERE pairs IS NOT NULL), '{}')::text
        AS breakdowns,
    string_agg(substr(viewer_key, 1, 8), '') AS viewers,
    string_agg(substr(viewer_key, 1, 8), '') FILTER (WHERE views_authenticated > 0) AS viewers_authenticated
FROM (
    SELECT viewer_key, count(*) AS views, count(*) FILTER (WHERE authenticated) AS views_authenticated
    FROM analytics_views WHERE by_player GROUP BY viewer_key
) AS player
