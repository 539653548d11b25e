INSERT INTO comment_counts AS known (post_id, total) VALUES ($1, 1)
ON CONFLICT (post_id) DO UPDATE SET total = known.total + 1
