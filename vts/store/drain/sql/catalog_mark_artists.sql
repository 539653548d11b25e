-- Days of artists that gain or lose contents which have been counted. A statement of its own behind the upsert, so that
-- it sees what a drain committed while the upsert waited for it. Today is marked for every content that was known: its
-- first view of the day may be on its way. OFFSET 0 keeps the planner from reading all of post_stats_daily.
WITH owners AS (
    SELECT post_id, owner_id, known
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::boolean[]) AS moved (post_id, before, after, known),
        LATERAL (VALUES (before), (after)) AS who (owner_id)
    WHERE owner_id IS NOT NULL
)
INSERT INTO artist_stats_dirty (owner_id, day)
SELECT owner_id, day
FROM owners, LATERAL (SELECT day FROM post_stats_daily AS stats WHERE stats.post_id = owners.post_id OFFSET 0) AS viewed
UNION
SELECT owner_id, (now() AT TIME ZONE 'UTC')::date FROM owners WHERE known
ORDER BY 1, 2
ON CONFLICT (owner_id, day) DO UPDATE SET marked_at = excluded.marked_at, added_at = NULL
