-- $2 revision, $3 now, by the clock that views carry. The first owner that is named stays noted, and since when.
-- Returns the contents that change hands: (post_id, owners before and after, whether the content was known) in columns.
WITH row AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS row (
        post_id bigint, kind text, owner_id bigint, title text, category text, hashtags text[], visibility text,
        created_at timestamptz)
), written AS (
    INSERT INTO content AS known (
        post_id, kind, owner_id, title, category, hashtags, visibility, created_at, revision,
        first_owner_id, owner_known_at, owner_known_revision)
    SELECT post_id, kind, owner_id, title, category, COALESCE(hashtags, '{}'), visibility, created_at, $2,
        owner_id, CASE WHEN owner_id IS NOT NULL THEN COALESCE($3::timestamptz, now()) END, CASE WHEN owner_id IS NULL THEN 0 ELSE $2::bigint END
    FROM row
    ON CONFLICT (post_id) DO UPDATE SET
        kind = excluded.kind,
        owner_id = excluded.owner_id,
        title = excluded.title,
        category = excluded.category,
        hashtags = excluded.hashtags,
        visibility = excluded.visibility,
        created_at = COALESCE(excluded.created_at, known.created_at),
        revision = excluded.revision,
        deleted = false,
        provisional = false,
        seen_twice = false,
        first_owner_id = CASE WHEN known.owner_known_at IS NULL
            THEN excluded.first_owner_id ELSE known.first_owner_id END,
        owner_known_at = COALESCE(known.owner_known_at, excluded.owner_known_at),
        owner_known_revision = CASE WHEN known.owner_known_at IS NULL
            THEN excluded.owner_known_revision ELSE known.owner_known_revision END,
        first_owner_until = CASE WHEN known.owner_id = known.first_owner_id
            AND excluded.owner_id IS DISTINCT FROM known.owner_id
            THEN COALESCE(known.first_owner_until, $3, now()) ELSE known.first_owner_until END
)
SELECT array_agg(post_id), array_agg(before.owner_id), array_agg(row.owner_id), array_agg(before.post_id IS NOT NULL)
FROM row LEFT JOIN content AS before USING (post_id)
WHERE before.owner_id IS DISTINCT FROM row.owner_id
