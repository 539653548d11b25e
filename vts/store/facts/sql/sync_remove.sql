-- $1 sync, $2 its revision, $3 behind this content, $4 so many, $5 the revision of the removal. As catalog_delete_content.sql.
WITH gone AS (
    UPDATE content SET deleted = true, title = NULL, category = NULL, hashtags = '{}', revision = $5,
        field_revisions = COALESCE(field_revisions, jsonb_build_object(
            'kind', revision, 'owner_id', revision, 'visibility', revision, 'created_at', revision))
            || jsonb_build_object('title', $5::bigint, 'category', $5::bigint, 'hashtags', $5::bigint)
    WHERE post_id = ANY(ARRAY(
        SELECT post_id FROM content
        WHERE post_id > $3 AND revision <= $2 AND NOT deleted AND NOT provisional AND kind IS NOT NULL AND NOT EXISTS (
            SELECT FROM content_sync_named AS named WHERE sync_id = $1 AND named.post_id = content.post_id)
        ORDER BY post_id LIMIT $4))
    RETURNING post_id
)
SELECT post_id FROM gone ORDER BY post_id
