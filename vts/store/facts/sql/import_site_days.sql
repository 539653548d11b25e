SELECT day, contents_views, contents_views_authenticated, contents_breakdowns,
    site_views, site_views_authenticated, site_breakdowns
FROM imported_site_days WHERE day = ANY($1::date[])
