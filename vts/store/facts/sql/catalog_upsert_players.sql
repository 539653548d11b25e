-- $1 objects that have the fields to change only, $2 revision, $3 now; as in catalog_upsert_contents.sql. A player that comes
-- with its owner has had no views without; one that gets its first owner now may have had some.
INSERT INTO players AS known (
    player_key, owner_id, name, registered, country, credential_hash, revision, field_revisions,
    first_owner_id, owner_known_at)
SELECT after.player_key, after.owner_id, after.name, COALESCE(after.registered, true), after.country,
    after.credential_hash, $2,
    COALESCE(before.field_revisions, CASE WHEN before.player_key IS NULL THEN '{}' ELSE jsonb_build_object(
        'owner_id', before.revision, 'name', before.revision, 'registered', before.revision, 'country', before.revision,
        'credential_hash', before.revision) END)
    || COALESCE((SELECT jsonb_object_agg(name, $2::bigint) FROM jsonb_object_keys(body - 'player_key') AS name), '{}'),
    after.owner_id, CASE WHEN after.owner_id IS NOT NULL THEN '-infinity'::timestamptz END
FROM jsonb_array_elements($1::jsonb) AS body
    LEFT JOIN players AS before ON before.player_key = (body ->> 'player_key')::uuid
    CROSS JOIN LATERAL jsonb_populate_record(before, body) AS after
ON CONFLICT (player_key) DO UPDATE SET
    owner_id = excluded.owner_id,
    name = excluded.name,
    registered = excluded.registered,
    country = excluded.country,
    credential_hash = excluded.credential_hash,
    revision = excluded.revision,
    field_revisions = excluded.field_revisions,
    first_owner_id = CASE WHEN known.owner_known_at IS NULL THEN excluded.owner_id ELSE known.first_owner_id END,
    owner_known_at = CASE WHEN known.owner_known_at IS NULL AND excluded.owner_id IS NOT NULL
        THEN COALESCE($3::timestamptz, now()) ELSE known.owner_known_at END,
    owner_known_revision = CASE WHEN known.owner_known_at IS NULL AND excluded.owner_id IS NOT NULL
        THEN excluded.revision ELSE known.owner_known_revision END
