-- As roll_replace, for the one row of the site's events.
INSERT INTO site_stats_daily AS known (
    day, page_views, page_views_authenticated, unique_visitors, unique_visitors_authenticated, signups,
    signups_authenticated, uploads, uploads_authenticated, api_calls, api_calls_authenticated, errors,
    errors_authenticated, breakdowns, sketch, sketch_authenticated, rolled_at)
SELECT $1, page_views, page_views_authenticated, LEAST(COALESCE(viewers, 0), page_views),
    LEAST(COALESCE(viewers_authenticated, 0), page_views_authenticated), signups,
    signups_authenticated, uploads, uploads_authenticated, api_calls, api_calls_authenticated, errors,
    errors_authenticated, COALESCE(breakdowns, '{{}}'), sketch, sketch_authenticated, $2
FROM roll_visits
LEFT JOIN roll_sketches ON roll_sketches.kind = 'visits'
LEFT JOIN roll_breakdowns ON roll_breakdowns.kind = 'visits'
ON CONFLICT (day) DO UPDATE SET
    page_views = excluded.page_views,
    page_views_authenticated = excluded.page_views_authenticated,
    unique_visitors = CASE WHEN {stays} THEN known.unique_visitors ELSE excluded.unique_visitors END,
    sketch = CASE WHEN {stays} THEN known.sketch ELSE excluded.sketch END,
    unique_visitors_authenticated = CASE WHEN {stays_authenticated}
        THEN known.unique_visitors_authenticated ELSE excluded.unique_visitors_authenticated END,
    sketch_authenticated = CASE WHEN {stays_authenticated}
        THEN known.sketch_authenticated ELSE excluded.sketch_authenticated END,
    signups = excluded.signups,
    signups_authenticated = excluded.signups_authenticated,
    uploads = excluded.uploads,
    uploads_authenticated = excluded.uploads_authenticated,
    api_calls = excluded.api_calls,
    api_calls_authenticated = excluded.api_calls_authenticated,
    errors = excluded.errors,
    errors_authenticated = excluded.errors_authenticated,
    breakdowns = excluded.breakdowns,
    rolled_at = excluded.rolled_at
