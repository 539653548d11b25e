SELECT day, page_views, page_views_authenticated, signups, signups_authenticated,
    uploads, uploads_authenticated, api_calls, api_calls_authenticated,
    errors, errors_authenticated, unique_visitors_imported, unique_visitors_imported_authenticated,
    unique_visitors, unique_visitors_authenticated,
    breakdowns, sketch, sketch_authenticated
FROM site_stats_daily WHERE day = ANY($1::date[])
