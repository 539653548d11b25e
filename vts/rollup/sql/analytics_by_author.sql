CASE WHEN seen.viewer_user_id IS NULL AND seen.player_key IS NULL THEN false ELSE EXISTS (
    SELECT FROM content LEFT JOIN players ON players.player_key = seen.player_key
    WHERE content.post_id = seen.post_id AND {by_author}) END
