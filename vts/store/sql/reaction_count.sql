INSERT INTO reaction_counts AS known (post_id, emoji, total, total_authenticated) VALUES ($1, $2, $3, $4)
ON CONFLICT (post_id, emoji) DO UPDATE SET
    total = known.total + excluded.total,
    total_authenticated = known.total_authenticated + excluded.total_authenticated
