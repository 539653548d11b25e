-- The site as post 0, and the artists, out of the totals of the posts.
INSERT INTO roll_totals
SELECT CASE WHEN GROUPING(owner_id) = 1 THEN 'post' ELSE 'artist' END, COALESCE(owner_id, 0), NULL,
    sum(views)::bigint, sum(views_authenticated)::bigint,
    min(first_view_at), max(last_view_at), min(first_view_at_authenticated), max(last_view_at_authenticated)
FROM roll_totals
GROUP BY GROUPING SETS ((), (owner_id))
HAVING count(*) > 0 AND (GROUPING(owner_id) = 1 OR owner_id IS NOT NULL)
