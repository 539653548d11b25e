-- Rows as they are from now on; those without anything go. Nothing will roll them up, so they are as good as rolled.
WITH after AS (
    SELECT * FROM unnest(
        $1::date[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
        $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
        $13::bigint[], $14::bigint[], $15::bigint[], $16::text[], $17::bytea[], $18::bytea[]
    ) AS u (
        day, page_views, page_views_authenticated, signups,
        signups_authenticated, uploads, uploads_authenticated, api_calls,
        api_calls_authenticated, errors, errors_authenticated, unique_visitors_imported,
        unique_visitors_imported_authenticated, unique_visitors, unique_visitors_authenticated, breakdowns,
        sketch, sketch_authenticated)
), gone AS (
    DELETE FROM site_stats_daily AS known USING after
    WHERE known.day = after.day AND GREATEST(
        after.page_views, after.signups, after.uploads, after.api_calls, after.errors, after.unique_visitors_imported) = 0
)
INSERT INTO site_stats_daily (
        day, page_views, page_views_authenticated, signups,
        signups_authenticated, uploads, uploads_authenticated, api_calls,
        api_calls_authenticated, errors, errors_authenticated, unique_visitors_imported,
        unique_visitors_imported_authenticated, unique_visitors, unique_visitors_authenticated, breakdowns,
        sketch, sketch_authenticated, rolled_at)
SELECT day, page_views, page_views_authenticated, signups,
        signups_authenticated, uploads, uploads_authenticated, api_calls,
        api_calls_authenticated, errors, errors_authenticated, unique_visitors_imported,
        unique_visitors_imported_authenticated, unique_visitors, unique_visitors_authenticated, breakdowns::json,
        sketch, sketch_authenticated, now()
FROM after
WHERE GREATEST(page_views, signups, uploads, api_calls, errors, unique_visitors_imported) > 0
ON CONFLICT (day) DO UPDATE SET
    page_views = excluded.page_views,
    page_views_authenticated = excluded.page_views_authenticated,
    signups = excluded.signups,
    signups_authenticated = excluded.signups_authenticated,
    uploads = excluded.uploads,
    uploads_authenticated = excluded.uploads_authenticated,
    api_calls = excluded.api_calls,
    api_calls_authenticated = excluded.api_calls_authenticated,
    errors = excluded.errors,
    errors_authenticated = excluded.errors_authenticated,
    unique_visitors_imported = excluded.unique_visitors_imported,
    unique_visitors_imported_authenticated = excluded.unique_visitors_imported_authenticated,
    unique_visitors = excluded.unique_visitors,
    unique_visitors_authenticated = excluded.unique_visitors_authenticated,
    breakdowns = excluded.breakdowns,
    sketch = excluded.sketch,
    sketch_authenticated = excluded.sketch_authenticated,
    rolled_at = excluded.rolled_at
