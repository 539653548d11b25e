UPDATE comment_counts SET total = total - 1 WHERE post_id = $1
