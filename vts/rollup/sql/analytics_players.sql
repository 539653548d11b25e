-- One row: what players reported, from where, and who they were; of the players the $1 with most views and `other`.
WITH reporting AS (
    SELECT json_object_agg(player, json_build_array(n, authenticated) ORDER BY n DESC, player) AS pairs
    FROM (
        SELECT CASE WHEN place <= $1 THEN player_key::text ELSE 'other' END AS player,
            sum(n) AS n, sum(authenticated) AS authenticated
        FROM (
            SELECT player_key, count(*) AS n, count(*) FILTER (WHERE authenticated) AS authenticated,
                row_number() OVER (ORDER BY count(*) DESC, player_key) AS place
            FROM analytics_views WHERE by_player GROUP BY player_key
        ) AS ranked
        GROUP BY 1
    ) AS folded
), countries AS (
    SELECT json_object_agg(country_code, json_build_array(n, authenticated) ORDER BY n DESC, country_code) AS pairs
    FROM (
        SELECT country_code, count(*) AS n, count(*) FILTER (WHERE authenticated) AS authenticated
        FROM analytics_views WHERE by_player AND country_code IS NOT NULL GROUP BY country_code
    ) AS country
)
SELECT COALESCE(sum(views), 0)::bigint AS views,
    COALESCE(sum(views_authenticated), 0)::bigint AS views_authenticated,
    count(*) AS players, count(*) FILTER (WHERE views_authenticated > 0) AS players_authenticated,
    COALESCE((
        SELECT json_object_agg(dimension, pairs ORDER BY dimension) FROM (
            SELECT 'country' AS dimension, pairs FROM countries UNION ALL SELECT 'player', pairs FROM reporting
        ) AS broken_down
        WHERE pairs IS NOT NULL
    ), '{}')::text AS breakdowns,
    string_agg(substr(viewer_key, 1, 8), '') AS viewers,
    string_agg(substr(viewer_key, 1, 8), '') FILTER (WHERE views_authenticated > 0) AS viewers_authenticated
FROM (
    SELECT viewer_key, count(*) AS views, count(*) FILTER (WHERE authenticated) AS views_authenticated
    FROM analytics_views WHERE by_player GROUP BY viewer_key
) AS player
