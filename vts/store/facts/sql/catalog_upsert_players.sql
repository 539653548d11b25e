-- A credential cannot be read back, so a row without one keeps what is there. A player that comes with its owner has had
-- no views without; one that gets its first owner now may have had some.
INSERT INTO players AS known (
    player_key, owner_id, name, registered, country, credential_hash, revision, first_owner_id, owner_known_at)
SELECT player_key, owner_id, name, registered, country, decode(credential_hash, 'hex'), $2,
    owner_id, CASE WHEN owner_id IS NOT NULL THEN '-infinity'::timestamptz END
FROM json_to_recordset($1::json) AS row (
    player_key uuid, owner_id bigint, name text, registered boolean, country text, credential_hash text)
ON CONFLICT (player_key) DO UPDATE SET
    owner_id = excluded.owner_id,
    name = excluded.name,
    registered = excluded.registered,
    country = excluded.country,
    credential_hash = COALESCE(excluded.credential_hash, known.credential_hash),
    revision = excluded.revision,
    first_owner_id = CASE WHEN known.owner_known_at IS NULL THEN excluded.owner_id ELSE known.first_owner_id END,
    owner_known_at = CASE WHEN known.owner_known_at IS NULL AND excluded.owner_id IS NOT NULL
        THEN COALESCE($3::timestamptz, now()) ELSE known.owner_known_at END,
    owner_known_revision = CASE WHEN known.owner_known_at IS NULL AND excluded.owner_id IS NOT NULL
        THEN excluded.revision ELSE known.owner_known_revision END
