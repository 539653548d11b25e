INSERT INTO content
SELECT written.* FROM unnest($1::text[]) AS body, jsonb_populate_record(NULL::content, body::jsonb) AS written
