CREATE TEMPORARY TABLE IF NOT EXISTS drain_staging_{table} (LIKE {table}, place integer NOT NULL) ON COMMIT DELETE ROWS
