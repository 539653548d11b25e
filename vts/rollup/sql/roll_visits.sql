INSERT INTO roll_visits
SELECT
    count(*) FILTER (WHERE event_type = 'page_view'), count(*) FILTER (WHERE event_type = 'page_view' AND authenticated),
    count(*) FILTER (WHERE event_type = 'signup'), count(*) FILTER (WHERE event_type = 'signup' AND authenticated),
    count(*) FILTER (WHERE event_type = 'upload'), count(*) FILTER (WHERE event_type = 'upload' AND authenticated),
    count(*) FILTER (WHERE event_type = 'api_call'), count(*) FILTER (WHERE event_type = 'api_call' AND authenticated),
    count(*) FILTER (WHERE event_type = 'error'), count(*) FILTER (WHERE event_type = 'error' AND authenticated)
FROM site_events
WHERE event_day = $1
HAVING count(*) > 0
