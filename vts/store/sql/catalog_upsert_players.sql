-- A credential cannot be read back, so a row without one keeps what is there.
INSERT INTO players AS known (player_key, owner_id, name, registered, country, credential_hash, revision)
SELECT player_key, owner_id, name, registered, country, decode(credential_hash, 'hex'), $2
FROM json_to_recordset($1::json) AS row (
    player_key uuid, owner_id bigint, name text, registered boolean, country text, credential_hash text)
ON CONFLICT (player_key) DO UPDATE SET
    owner_id = excluded.owner_id,
    name = excluded.name,
    registered = excluded.registered,
    country = excluded.country,
    credential_hash = COALESCE(excluded.credential_hash, known.credential_hash),
    revision = excluded.revision
