-- Rolled days ask for first owners that became known after a revision: one that comes back is known from now on.
INSERT INTO content
SELECT written.* FROM unnest($1::text[]) AS body, jsonb_populate_record(NULL::content, body::jsonb
    || CASE WHEN (body::jsonb ->> 'owner_known_revision')::bigint > 0
        THEN jsonb_build_object('owner_known_revision', (SELECT revision FROM catalog_revision)) ELSE '{}' END) AS written
