CASE WHEN seen.viewer_user_id IS NULL AND seen.player_key IS NULL THEN false ELSE COALESCE(
    (SELECT content.owner_id FROM content WHERE content.post_id = seen.post_id) = ANY (ARRAY[
        seen.viewer_user_id, (SELECT players.owner_id FROM players WHERE players.player_key = seen.player_key)]), false) END
