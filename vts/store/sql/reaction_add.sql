INSERT INTO reactions (post_id, user_id, emoji, authenticated) VALUES ($1, $2, $3, $4)
