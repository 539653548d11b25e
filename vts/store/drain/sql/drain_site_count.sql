-- Counts are added, uniques come whole out of the sketches; a sketch that is null here has not changed.
INSERT INTO site_stats_daily AS known (
    day, page_views, page_views_authenticated, signups, signups_authenticated, uploads, uploads_authenticated,
    api_calls, api_calls_authenticated, errors, errors_authenticated,
    unique_visitors, unique_visitors_authenticated, breakdowns, sketch, sketch_authenticated, key_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::text::json, $15, $16, $17)
ON CONFLICT (day) DO UPDATE SET
    page_views = known.page_views + excluded.page_views,
    page_views_authenticated = known.page_views_authenticated + excluded.page_views_authenticated,
    signups = known.signups + excluded.signups,
    signups_authenticated = known.signups_authenticated + excluded.signups_authenticated,
    uploads = known.uploads + excluded.uploads,
    uploads_authenticated = known.uploads_authenticated + excluded.uploads_authenticated,
    api_calls = known.api_calls + excluded.api_calls,
    api_calls_authenticated = known.api_calls_authenticated + excluded.api_calls_authenticated,
    errors = known.errors + excluded.errors,
    errors_authenticated = known.errors_authenticated + excluded.errors_authenticated,
    unique_visitors = excluded.unique_visitors,
    unique_visitors_authenticated = excluded.unique_visitors_authenticated,
    breakdowns = excluded.breakdowns,
    sketch = COALESCE(excluded.sketch, known.sketch),
    sketch_authenticated = COALESCE(excluded.sketch_authenticated, known.sketch_authenticated),
    key_version = GREATEST(known.key_version, excluded.key_version),
    rolled_at = NULL
