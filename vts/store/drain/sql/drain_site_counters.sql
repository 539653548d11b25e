SELECT day, breakdowns, sketch, sketch_authenticated, unique_visitors_authenticated, page_views, page_views_authenticated
FROM site_stats_daily WHERE day = ANY($1::date[])
