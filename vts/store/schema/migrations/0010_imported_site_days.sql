-- What imports said of the site's days: once as the sum of the contents' rows, once by the site's own rows. The row of
-- post_id 0 has of both what knows more views (vts/model/imported_site.py), so that no import counts it twice.
-- Changed under the lock of its day, as post_stats_daily.
CREATE TABLE imported_site_days (
    day                          date   PRIMARY KEY,
    contents_views               bigint NOT NULL,
    contents_views_authenticated bigint NOT NULL,
    contents_breakdowns          json   NOT NULL,
    site_views                   bigint NOT NULL,
    site_views_authenticated     bigint NOT NULL,
    site_breakdowns              json   NOT NULL
);

-- Of earlier imports only the sum is known, with what was counted here: a site's row adds what lies beyond it.
INSERT INTO imported_site_days
SELECT site.day, site.total_views, site.total_views_authenticated, site.breakdowns, 0, 0, '{}'
FROM post_stats_daily AS site JOIN rollup_days USING (day)
WHERE site.post_id = 0 AND rollup_days.dropped_at IS NOT NULL AND EXISTS (SELECT FROM imports WHERE kind = 'daily');
