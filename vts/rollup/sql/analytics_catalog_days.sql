-- Contents by the day of their creation, players by that of their registration; days that have lost theirs become zero.
INSERT INTO catalog_stats_daily AS known (day, contents, players)
SELECT day, sum(contents), sum(players) FROM (
    SELECT (COALESCE(created_at, registered_at) AT TIME ZONE 'UTC')::date AS day, count(*) AS contents, 0 AS players
    FROM content WHERE NOT provisional GROUP BY 1
    UNION ALL
    SELECT (registered_at AT TIME ZONE 'UTC')::date, 0, count(*) FROM players GROUP BY 1
    UNION ALL
    SELECT day, 0, 0 FROM catalog_stats_daily
) AS counted
GROUP BY day
ON CONFLICT (day) DO UPDATE SET contents = excluded.contents, players = excluded.players
WHERE (known.contents, known.players) IS DISTINCT FROM (excluded.contents, excluded.players)
