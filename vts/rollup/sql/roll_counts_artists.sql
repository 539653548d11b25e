    -- $3 slices, $4 slice
    SELECT totals.owner_id AS id, dimension, value,
        sum(counts.views)::bigint AS views, sum(counts.authenticated)::bigint AS authenticated
    FROM roll_counts AS counts JOIN roll_totals AS totals ON totals.kind = 'post' AND totals.id = counts.post_id
    WHERE totals.owner_id % $3::bigint = $4::bigint
    GROUP BY 1, 2, 3
