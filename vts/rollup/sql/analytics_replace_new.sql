INSERT INTO {table} SELECT staged.* FROM analytics_staging_{table} AS staged ON CONFLICT DO NOTHING
