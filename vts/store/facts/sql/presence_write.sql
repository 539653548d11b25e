-- What players have shown since the last write; $13 is how long a player that is online may be silent. The writer holds
-- the lock of this table. A player that left the catalog meanwhile is left out.
-- online_since begins anew with the first sign after a silence, and with the first act after an announced absence.
INSERT INTO player_presence (
    player_key, seen_at, active_at, offline_at, online_since, last_view_at, status_at, current_post_id, firmware_version)
SELECT player_key,
    GREATEST(known.seen_at, heard.seen_at),
    GREATEST(known.active_at, heard.active_at),
    GREATEST(known.offline_at, heard.offline_at),
    CASE
        WHEN heard.back_at > GREATEST(known.offline_at, heard.offline_at)
            AND (known.online_since IS NULL OR known.online_since <= GREATEST(known.offline_at, heard.offline_at))
            THEN heard.back_at
        WHEN known.online_since IS NULL OR heard.first_at - known.seen_at > $13::interval THEN heard.first_at
        ELSE known.online_since
    END,
    GREATEST(known.last_view_at, heard.view_at),
    GREATEST(known.status_at, heard.status_at),
    CASE WHEN has_post AND (known.status_at IS NULL OR heard.status_at >= known.status_at)
        THEN post_id ELSE known.current_post_id END,
    CASE WHEN has_firmware AND (known.status_at IS NULL OR heard.status_at >= known.status_at)
        THEN firmware ELSE known.firmware_version END
FROM unnest(
    $1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
    $7::timestamptz[], $8::timestamptz[], $9::boolean[], $10::bigint[], $11::boolean[], $12::text[]
) AS heard (
    player_key, first_at, seen_at, active_at, back_at, offline_at,
    view_at, status_at, has_post, post_id, has_firmware, firmware)
JOIN players USING (player_key)
LEFT JOIN player_presence AS known USING (player_key)
ON CONFLICT (player_key) DO UPDATE SET (
    seen_at, active_at, offline_at, online_since, last_view_at, status_at, current_post_id, firmware_version
) = (
    excluded.seen_at, excluded.active_at, excluded.offline_at, excluded.online_since, excluded.last_view_at,
    excluded.status_at, excluded.current_post_id, excluded.firmware_version)
