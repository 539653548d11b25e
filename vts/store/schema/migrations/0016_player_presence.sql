-- Players' last status: one row for a player that was heard of, changed by vts/store/facts/presence.py alone.
--
-- All times are those of the receipt. seen_at: the last sign of any kind. active_at: the last view, or status that is
-- not offline. offline_at: the last announcement that the player is gone, its own or its last will. A player is online
-- when it was seen a short time ago and when no announcement is newer than its last act.
CREATE TABLE player_presence (
    player_key       uuid        PRIMARY KEY,
    seen_at          timestamptz,
    active_at        timestamptz,
    offline_at       timestamptz,
    online_since     timestamptz,
    last_view_at     timestamptz,
    status_at        timestamptz,
    current_post_id  bigint,
    firmware_version text
) WITH (fillfactor = 50);
