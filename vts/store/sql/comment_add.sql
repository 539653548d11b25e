INSERT INTO comments (post_id, comment_id, user_id) VALUES ($1, $2, $3) ON CONFLICT (post_id, comment_id) DO NOTHING
