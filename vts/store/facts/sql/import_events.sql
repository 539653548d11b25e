-- Returns the places of those that are new.
WITH wanted AS (
    SELECT DISTINCT ON (post_id, event_id) post_id, event_id, place
    FROM unnest($1::bigint[], $2::uuid[]) WITH ORDINALITY AS u (post_id, event_id, place)
    ORDER BY post_id, event_id, place
), added AS (
    INSERT INTO imported_events (post_id, event_id, import_id) SELECT post_id, event_id, $3 FROM wanted
    ON CONFLICT (post_id, event_id) DO NOTHING
    RETURNING post_id, event_id
)
SELECT place FROM wanted JOIN added USING (post_id, event_id) ORDER BY place
