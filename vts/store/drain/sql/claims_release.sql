-- The events stay known as counted, but to no import: undoing it leaves them, and another import finds them.
UPDATE imported_events AS brought SET import_id = NULL
FROM unnest($1::bigint[], $2::uuid[]) AS u (post_id, event_id)
WHERE brought.post_id = u.post_id AND brought.event_id = u.event_id
    AND NOT EXISTS (
        SELECT FROM imported_playback_events AS old
        WHERE old.stream_id = u.post_id AND old.event_id = u.event_id AND old.import_id = brought.import_id)
