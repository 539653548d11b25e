-- The row stays, so that a late view is answered `deleted`; what described the content goes.
UPDATE content SET deleted = true, title = NULL, category = NULL, hashtags = '{}', revision = $2,
    field_revisions = COALESCE(field_revisions, jsonb_build_object(
        'kind', revision, 'owner_id', revision, 'visibility', revision, 'created_at', revision))
        || jsonb_build_object('title', $2::bigint, 'category', $2::bigint, 'hashtags', $2::bigint)
WHERE post_id = ANY($1::bigint[]) AND NOT deleted
