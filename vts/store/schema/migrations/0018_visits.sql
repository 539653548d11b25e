-- Visits to the site's pages by day: time on site, pages of a visit, bounces (vts/rollup/visits.py). Computed from the
-- raw page views of a day at once and replaced at once, like the analytics: a closed day by its roll-up, an open one
-- every few seconds. A day without a row has no raw rows any more, or none yet. On a Citus cluster it is a local table.
--
-- A visit is a series of page views of one viewer key and UTC day, each at most 30 min after the one before; its time
-- is from the first to the last of them, so a visit of one page view has none and is a bounce. page_views are those of
-- the visits; site_page_views is how many page views of the day the site had counted by then: with more by now, the row
-- lags. The columns with _authenticated are made of authenticated page views alone.
CREATE TABLE visit_stats_daily (
    site_page_views           bigint      NOT NULL,
    computed_at               timestamptz NOT NULL DEFAULT now(),
    visits                    bigint      NOT NULL,
    visits_authenticated      bigint      NOT NULL,
    page_views                bigint      NOT NULL,
    page_views_authenticated  bigint      NOT NULL,
    duration_ms               bigint      NOT NULL,
    duration_ms_authenticated bigint      NOT NULL,
    bounces                   bigint      NOT NULL,
    bounces_authenticated     bigint      NOT NULL,
    day                       date        PRIMARY KEY
);
