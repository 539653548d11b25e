-- Numbers arrive as numbers: to encode times costs the drain more than to add them here. Views are added, uniques come whole out of the sketches; a sketch that is null here has not changed.
INSERT INTO {table} AS known (
    {key}, day, total_views, total_views_authenticated, unique_viewers, unique_viewers_authenticated,
    first_view_at, last_view_at, first_view_at_authenticated, last_view_at_authenticated,
    breakdowns, sketch, sketch_authenticated, key_version)
SELECT {key}, '1970-01-01'::date + day, views, views_authenticated, viewers, viewers_authenticated,
    'epoch'::timestamptz + first_us * '1 microsecond'::interval,
    'epoch'::timestamptz + last_us * '1 microsecond'::interval,
    'epoch'::timestamptz + first_authenticated_us * '1 microsecond'::interval,
    'epoch'::timestamptz + last_authenticated_us * '1 microsecond'::interval,
    breakdowns::json, sketch, sketch_authenticated, $14::smallint
FROM unnest(
    $1::bigint[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::bytea[], $13::bytea[]
) AS u ({key}, day, views, views_authenticated, viewers, viewers_authenticated,
        first_us, last_us, first_authenticated_us, last_authenticated_us, breakdowns, sketch, sketch_authenticated)
ON CONFLICT ({key}, day) DO UPDATE SET
    total_views = known.total_views + excluded.total_views,
    total_views_authenticated = known.total_views_authenticated + excluded.total_views_authenticated,
    unique_viewers = excluded.unique_viewers,
    unique_viewers_authenticated = excluded.unique_viewers_authenticated,
    first_view_at = LEAST(known.first_view_at, excluded.first_view_at),
    last_view_at = GREATEST(known.last_view_at, excluded.last_view_at),
    first_view_at_authenticated = LEAST(known.first_view_at_authenticated, excluded.first_view_at_authenticated),
    last_view_at_authenticated = GREATEST(known.last_view_at_authenticated, excluded.last_view_at_authenticated),
    breakdowns = excluded.breakdowns,
    sketch = COALESCE(excluded.sketch, known.sketch),
    sketch_authenticated = COALESCE(excluded.sketch_authenticated, known.sketch_authenticated),
    key_version = GREATEST(known.key_version, excluded.key_version),
    rolled_at = NULL
