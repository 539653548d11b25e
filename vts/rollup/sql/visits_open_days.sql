-- Days from $1 to $2 with raw page views that are not those that their visits contain, the newest first.
SELECT day FROM site_stats_daily AS site
    LEFT JOIN visit_stats_daily AS known USING (day)
    LEFT JOIN rollup_days AS rolled USING (day)
WHERE day BETWEEN $1 AND $2 AND known.site_page_views IS DISTINCT FROM site.page_views
    AND (site.page_views > 0 OR known.day IS NOT NULL) AND rolled.dropped_at IS NULL
ORDER BY day DESC
