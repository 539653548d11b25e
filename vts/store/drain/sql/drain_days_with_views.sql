-- Which of these days have views? Nearly always all but tomorrow. LIMIT 1 keeps it one look at one partition for each.
SELECT day FROM unnest($1::date[]) AS day
CROSS JOIN LATERAL (SELECT FROM view_events WHERE event_day = day LIMIT 1) AS found
