remembered AS (
    INSERT INTO roll_counts (post_id, dimension, value, views, authenticated)
    SELECT id, dimension, value, views, authenticated FROM counted
),
