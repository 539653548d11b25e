-- Which of these events an import brought, locked until the end: an undo of it that has begun is over before this goes
-- on, and another waits. The order is the undo's.
SELECT brought.post_id, brought.event_id, wanted.kind, brought.import_id
FROM unnest($1::bigint[], $2::uuid[], $3::text[]) AS wanted (post_id, event_id, kind)
JOIN imported_events AS brought USING (post_id, event_id)
JOIN imports ON imports.import_id = brought.import_id AND imports.kind = wanted.kind
ORDER BY brought.post_id, brought.event_id
FOR UPDATE OF brought
