WITH remembered AS (
    INSERT INTO rollup_days (day, rolled_at, views, catalog_revision) VALUES ($1, $2, $3, $4)
    ON CONFLICT (day) DO UPDATE SET rolled_at = excluded.rolled_at, views = excluded.views,
        catalog_revision = excluded.catalog_revision
)
INSERT INTO rollup_watermark AS known (name, day, rolled_at) VALUES ('days', $1, $2)
ON CONFLICT (name) DO UPDATE SET day = GREATEST(known.day, excluded.day), rolled_at = excluded.rolled_at
