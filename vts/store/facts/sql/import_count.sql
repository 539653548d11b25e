-- breakdowns come whole, everything else is added. A row without sketches has no viewers of its own.
INSERT INTO {table} AS known (
    {key}, day, total_views, total_views_authenticated, unique_viewers, unique_viewers_authenticated,
    unique_viewers_imported, unique_viewers_imported_authenticated,
    first_view_at, last_view_at, first_view_at_authenticated, last_view_at_authenticated, breakdowns, rolled_at)
SELECT name, day, views, views_authenticated, 0, 0, viewers, viewers_authenticated,
    first_at, last_at, first_at_authenticated, last_at_authenticated, breakdowns::json, now()
FROM unnest(
    $1::bigint[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[]
) AS u (name, day, views, views_authenticated, viewers, viewers_authenticated,
        first_at, last_at, first_at_authenticated, last_at_authenticated, breakdowns)
ON CONFLICT ({key}, day) DO UPDATE SET
    total_views = known.total_views + excluded.total_views,
    total_views_authenticated = known.total_views_authenticated + excluded.total_views_authenticated,
    unique_viewers_imported = known.unique_viewers_imported + excluded.unique_viewers_imported,
    unique_viewers_imported_authenticated =
        known.unique_viewers_imported_authenticated + excluded.unique_viewers_imported_authenticated,
    first_view_at = LEAST(known.first_view_at, excluded.first_view_at),
    last_view_at = GREATEST(known.last_view_at, excluded.last_view_at),
    first_view_at_authenticated = LEAST(known.first_view_at_authenticated, excluded.first_view_at_authenticated),
    last_view_at_authenticated = GREATEST(known.last_view_at_authenticated, excluded.last_view_at_authenticated),
    breakdowns = excluded.breakdowns
RETURNING {key}, day, total_views, LEAST(unique_viewers + unique_viewers_imported, total_views)
