-- Raw rows that were counted, those left out as their author's, and events of the site.
SELECT
    COALESCE((SELECT views FROM roll_totals WHERE kind = 'post' AND id = 0), 0),
    (SELECT count(*) FROM roll_authors),
    COALESCE((SELECT page_views + signups + uploads + api_calls + errors FROM roll_visits), 0)
