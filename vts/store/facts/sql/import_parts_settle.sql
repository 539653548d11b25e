-- A row without imports needs no memory of what it was before them.
DELETE FROM import_parts AS before USING unnest($1::bigint[], $2::date[]) AS u (post_id, day)
WHERE before.post_id = u.post_id AND before.day = u.day AND before.import_id = '' AND NOT EXISTS (
    SELECT FROM import_parts AS part WHERE part.day = u.day AND part.import_id <> '' AND (
        part.post_id = u.post_id OR u.post_id = 0 AND part.post_id > 0))
