SELECT {key}, day, total_views, total_views_authenticated, unique_viewers_authenticated, breakdowns, sketch, sketch_authenticated
FROM {table} WHERE {key} = ANY($1::bigint[]) AND day = ANY($2::date[])
