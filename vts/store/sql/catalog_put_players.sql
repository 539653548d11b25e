INSERT INTO players (player_key, revision, owner_id, name, registered, country, credential_hash)
SELECT player_key, $2, owner_id, name, registered, country, decode(credential_hash, 'hex')
FROM jsonb_to_recordset($1::jsonb) AS row (
    player_key uuid, owner_id bigint, name text, registered boolean, country text, credential_hash text)
ON CONFLICT (player_key) DO UPDATE SET
    revision = EXCLUDED.revision, owner_id = EXCLUDED.owner_id, name = EXCLUDED.name,
    registered = EXCLUDED.registered, country = EXCLUDED.country,
    -- Whoever does not send a credential keeps the one that is there.
    credential_hash = coalesce(EXCLUDED.credential_hash, players.credential_hash)
