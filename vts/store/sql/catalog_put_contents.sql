INSERT INTO content (post_id, revision, kind, owner_id, title, category, hashtags, visibility, created_at)
SELECT post_id, $2, kind, owner_id, title, category, coalesce(hashtags, '{}'), visibility, created_at
FROM jsonb_to_recordset($1::jsonb) AS row (
    post_id bigint, kind text, owner_id bigint, title text, category text, hashtags text[], visibility text,
    created_at timestamptz)
ON CONFLICT (post_id) DO UPDATE SET
    revision = EXCLUDED.revision, kind = EXCLUDED.kind, owner_id = EXCLUDED.owner_id, title = EXCLUDED.title,
    category = EXCLUDED.category, hashtags = EXCLUDED.hashtags, visibility = EXCLUDED.visibility,
    created_at = EXCLUDED.created_at, deleted = false, provisional = false
