DELETE FROM {table} AS kept USING imported_events AS brought
WHERE brought.import_id = $1 AND kept.event_day = ANY($2::date[]) AND kept.event_id = brought.event_id
    AND brought.post_id = {subject}
