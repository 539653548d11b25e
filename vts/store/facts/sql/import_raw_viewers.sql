-- Viewers of a day's raw rows, a page in the order of their keys: when each was here, and when signed in.
SELECT viewer_key, min(created_at), max(created_at), min(created_at) FILTER (WHERE authenticated),
    max(created_at) FILTER (WHERE authenticated)
FROM {table} WHERE event_day = $1 AND viewer_key > $2 {only}
GROUP BY viewer_key ORDER BY viewer_key LIMIT 20000
