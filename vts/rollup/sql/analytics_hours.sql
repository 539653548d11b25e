SELECT local_weekday AS weekday, local_hour AS hour, count(*) AS views,
    count(*) FILTER (WHERE authenticated) AS views_authenticated
FROM analytics_views WHERE local_hour IS NOT NULL AND local_weekday IS NOT NULL
GROUP BY local_weekday, local_hour ORDER BY local_weekday, local_hour
