SELECT known.{key}, known.day, known.total_views, known.breakdowns
FROM unnest($1::bigint[], $2::date[]) AS wanted (name, day)
JOIN {table} AS known ON known.{key} = wanted.name AND known.day = wanted.day
