-- Returns the contents that change hands: (post_id, owners before and after, whether the content was known) in columns.
WITH row AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS row (
        post_id bigint, kind text, owner_id bigint, title text, category text, hashtags text[], visibility text,
        created_at timestamptz)
), written AS (
    INSERT INTO content AS known (
        post_id, kind, owner_id, title, category, hashtags, visibility, created_at, revision)
    SELECT post_id, kind, owner_id, title, category, COALESCE(hashtags, '{}'), visibility, created_at, $2 FROM row
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
        seen_twice = false
)
SELECT array_agg(post_id), array_agg(before.owner_id), array_agg(row.owner_id), array_agg(before.post_id IS NOT NULL)
FROM row LEFT JOIN content AS before USING (post_id)
WHERE before.owner_id IS DISTINCT FROM row.owner_id
