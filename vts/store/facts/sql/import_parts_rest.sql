-- What is known of rows without the import $1: the sum of their views, and what their times and viewers are made of.
-- The site's views are those of contents, so its times are theirs, too; of views in counters the site has a sum of its
-- own (imported_site_days), so that those without viewers do not count here.
SELECT u.post_id, u.day,
    COALESCE(sum(part.counts[1]) FILTER (
        WHERE part.post_id = u.post_id AND (u.post_id <> 0 OR part.import_id = '' OR part.sketch IS NOT NULL)), 0)::bigint,
    min(part.first_at), max(part.last_at), min(part.first_at_authenticated), max(part.last_at_authenticated),
    array_agg(part.sketch) FILTER (WHERE part.post_id = u.post_id AND part.sketch IS NOT NULL),
    array_agg(part.sketch_authenticated) FILTER (
        WHERE part.post_id = u.post_id AND part.sketch_authenticated IS NOT NULL)
FROM unnest($2::bigint[], $3::date[]) AS u (post_id, day)
LEFT JOIN import_parts AS part ON part.day = u.day AND part.import_id <> $1
    AND (part.post_id = u.post_id OR u.post_id = 0 AND part.post_id > 0 AND part.import_id <> '')
GROUP BY u.post_id, u.day
