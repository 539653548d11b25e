-- A view that an import brought is not under view_once; as the client's it is, unless the viewer has one already.
UPDATE view_events AS kept SET once = true
FROM (
    SELECT DISTINCT ON (post_id, event_day, viewer_key) post_id, event_day, event_id, viewer_key
    FROM unnest($1::bigint[], $2::date[], $3::uuid[], $4::bytea[]) AS u (post_id, event_day, event_id, viewer_key)
    ORDER BY post_id, event_day, viewer_key, event_id
) AS sent
WHERE kept.post_id = sent.post_id AND kept.event_day = sent.event_day AND kept.event_id = sent.event_id
    AND kept.viewer_key = sent.viewer_key AND NOT EXISTS (
        SELECT FROM view_events AS other
        WHERE other.post_id = sent.post_id AND other.event_day = sent.event_day
            AND other.viewer_key = sent.viewer_key AND other.once)
