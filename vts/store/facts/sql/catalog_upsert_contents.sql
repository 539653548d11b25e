-- $1 objects that have the fields to change only, $2 revision, $3 now, by the clock that views carry. What is not named stays
-- as it is: `after` is `before` with the named fields. The first owner that is named stays noted, and since when.
-- Returns the contents that change hands: (post_id, owners before and after, whether the content was known) in columns.
WITH row AS MATERIALIZED (
    SELECT after.*, before.post_id IS NOT NULL AS was_known, before.owner_id AS owner_before,
        COALESCE(before.field_revisions, CASE WHEN before.post_id IS NULL THEN '{}' ELSE jsonb_build_object(
            'kind', before.revision, 'owner_id', before.revision, 'title', before.revision, 'category', before.revision,
            'hashtags', before.revision, 'visibility', before.revision, 'created_at', before.revision) END)
        || COALESCE((SELECT jsonb_object_agg(name, $2::bigint) FROM jsonb_object_keys(body - 'post_id') AS name), '{}')
            AS revisions
    FROM jsonb_array_elements($1::jsonb) AS body
        LEFT JOIN content AS before ON before.post_id = (body ->> 'post_id')::bigint
        CROSS JOIN LATERAL jsonb_populate_record(before, body) AS after
), written AS (
    INSERT INTO content AS known (
        post_id, kind, owner_id, title, category, hashtags, visibility, created_at, revision, field_revisions,
        first_owner_id, owner_known_at, owner_known_revision)
    SELECT post_id, COALESCE(kind, 'artwork'), owner_id, title, category, COALESCE(hashtags, '{}'),
        COALESCE(visibility, 'public'), created_at, $2, revisions,
        owner_id, CASE WHEN owner_id IS NOT NULL THEN COALESCE($3::timestamptz, now()) END,
        CASE WHEN owner_id IS NULL THEN 0 ELSE $2::bigint END
    FROM row
    ON CONFLICT (post_id) DO UPDATE SET
        kind = excluded.kind,
        owner_id = excluded.owner_id,
        title = excluded.title,
        category = excluded.category,
        hashtags = excluded.hashtags,
        visibility = excluded.visibility,
        created_at = excluded.created_at,
        revision = excluded.revision,
        field_revisions = excluded.field_revisions,
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
SELECT array_agg(post_id), array_agg(owner_before), array_agg(owner_id), array_agg(was_known)
FROM row WHERE owner_before IS DISTINCT FROM owner_id
