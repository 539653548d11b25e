-- Takes the changes of a day, adds them to the totals of all time, and returns what they add to the day.
WITH taken AS (
    DELETE FROM post_changes WHERE day = $1
    RETURNING post_id, views, viewers, intentional, listing, search, widget
), summed AS (
    SELECT post_id, sum(views)::bigint AS views, sum(viewers)::bigint AS viewers,
        sum(intentional)::bigint AS intentional, sum(listing)::bigint AS listing, sum(search)::bigint AS search,
        sum(widget)::bigint AS widget
    FROM taken GROUP BY post_id
), added AS (
    INSERT INTO post_totals AS known (post_id, views, intentional, listing, search, widget)
    SELECT post_id, views, intentional, listing, search, widget FROM summed ORDER BY post_id
    ON CONFLICT (post_id) DO UPDATE SET
        views = known.views + excluded.views,
        intentional = known.intentional + excluded.intentional,
        listing = known.listing + excluded.listing,
        search = known.search + excluded.search,
        widget = known.widget + excluded.widget
)
SELECT string_agg(int8send(post_id), ''::bytea ORDER BY post_id),
    string_agg(int8send(views), ''::bytea ORDER BY post_id),
    string_agg(int8send(viewers), ''::bytea ORDER BY post_id)
FROM summed
