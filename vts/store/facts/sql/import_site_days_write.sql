INSERT INTO imported_site_days (
    day, contents_views, contents_views_authenticated, contents_breakdowns,
    site_views, site_views_authenticated, site_breakdowns)
SELECT day, contents_views, contents_signed, contents_breakdowns::json, site_views, site_signed, site_breakdowns::json
FROM unnest($1::date[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])
    AS u (day, contents_views, contents_signed, contents_breakdowns, site_views, site_signed, site_breakdowns)
ON CONFLICT (day) DO UPDATE SET
    contents_views = excluded.contents_views,
    contents_views_authenticated = excluded.contents_views_authenticated,
    contents_breakdowns = excluded.contents_breakdowns,
    site_views = excluded.site_views,
    site_views_authenticated = excluded.site_views_authenticated,
    site_breakdowns = excluded.site_breakdowns
