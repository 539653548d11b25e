-- Rows of the day that are gone or have changed; those that stay as they are cost nothing.
DELETE FROM {table} AS known WHERE day = $1 AND NOT EXISTS (
    SELECT FROM analytics_staging_{table} AS staged
    WHERE {same_key} AND staged::text = known::text)
