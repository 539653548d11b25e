-- The row stays, so that a late view is answered `deleted`; what described the content goes.
UPDATE content SET deleted = true, title = NULL, category = NULL, hashtags = '{}', revision = $2
WHERE post_id = $1 AND NOT deleted
