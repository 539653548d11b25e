-- $1 is the revision that was read before.
INSERT INTO catalog_stats (revision, contents, players, players_registered, players_by_country)
SELECT $1, (SELECT count(*) FROM content WHERE NOT provisional), COALESCE(sum(n), 0)::bigint,
    COALESCE(sum(registered), 0)::bigint,
    COALESCE(json_object_agg(country, registered ORDER BY registered DESC, country)
        FILTER (WHERE country IS NOT NULL AND registered > 0), '{}')
FROM (SELECT country, count(*) AS n, count(*) FILTER (WHERE registered) AS registered FROM players GROUP BY country)
    AS counted
ON CONFLICT (one) DO UPDATE SET revision = excluded.revision, computed_at = excluded.computed_at,
    contents = excluded.contents, players = excluded.players, players_registered = excluded.players_registered,
    players_by_country = excluded.players_by_country
