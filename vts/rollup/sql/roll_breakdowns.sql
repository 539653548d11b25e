-- $1 names of the dimensions, $2 places of those that may have more values than are kept. `counted` gives id, dimension
-- (a place from 0), value, views, authenticated. The largest values stay, ties by name; the rest is `other`.
WITH counted AS MATERIALIZED (
    {counted}
),
{kept}
ranked AS (
    SELECT id, dimension, value, views, authenticated, row_number() OVER (
        PARTITION BY id, dimension, value = '{other}' ORDER BY views DESC, value COLLATE "C") AS rank
    FROM counted
    WHERE dimension = ANY($2::smallint[])
),
folded AS (
    SELECT id, dimension, CASE WHEN rank > {values_kept} THEN '{other}' ELSE value END AS value,
        sum(views)::bigint AS views, sum(authenticated)::bigint AS authenticated
    FROM ranked
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT id, dimension, value, views, authenticated FROM counted WHERE dimension <> ALL($2::smallint[])
),
lines AS (
    SELECT id, dimension, string_agg(
        to_json(value)::text || ':[' || views || ',' || authenticated || ']', ',' ORDER BY views DESC, value COLLATE "C"
    ) AS line
    FROM folded
    GROUP BY id, dimension
)
INSERT INTO roll_breakdowns (kind, id, breakdowns)
SELECT '{kind}', id, (
    '{{' || string_agg(to_json(($1::text[])[dimension + 1])::text || ':{{' || line || '}}', ',' ORDER BY dimension) || '}}'
)::json
FROM lines
GROUP BY id
