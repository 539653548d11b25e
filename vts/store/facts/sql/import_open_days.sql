-- Which of these days still have raw rows that a roll-up may count anew?
SELECT u.day FROM unnest($1::date[]) AS u (day)
WHERE to_regclass('view_events_' || to_char(u.day, 'YYYYMMDD')) IS NOT NULL
    AND NOT EXISTS (SELECT FROM rollup_days WHERE rollup_days.day = u.day AND dropped_at IS NOT NULL)
ORDER BY 1
