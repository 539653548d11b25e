    SELECT 0::bigint AS id, dimension, value, sum(views)::bigint AS views, sum(authenticated)::bigint AS authenticated
    FROM roll_counts
    GROUP BY 2, 3
