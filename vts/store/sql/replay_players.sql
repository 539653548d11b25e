INSERT INTO players
SELECT written.* FROM unnest($1::text[]) AS body, jsonb_populate_record(NULL::players, body::jsonb) AS written
