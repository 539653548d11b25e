INSERT INTO visit_stats_daily (
    day, site_page_views, visits, visits_authenticated, page_views, page_views_authenticated,
    duration_ms, duration_ms_authenticated, bounces, bounces_authenticated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (day) DO UPDATE SET
    site_page_views = excluded.site_page_views,
    computed_at = excluded.computed_at,
    visits = excluded.visits,
    visits_authenticated = excluded.visits_authenticated,
    page_views = excluded.page_views,
    page_views_authenticated = excluded.page_views_authenticated,
    duration_ms = excluded.duration_ms,
    duration_ms_authenticated = excluded.duration_ms_authenticated,
    bounces = excluded.bounces,
    bounces_authenticated = excluded.bounces_authenticated
