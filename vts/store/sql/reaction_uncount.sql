UPDATE reaction_counts SET total = total - 1, total_authenticated = total_authenticated - $3
WHERE post_id = $1 AND emoji = $2
