SELECT post_id, owner_id, kind, visibility = 'private', deleted, provisional AND NOT seen_twice FROM content
WHERE revision > $1 AND post_id > $2 ORDER BY post_id LIMIT $3
