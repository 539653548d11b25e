INSERT INTO roll_authors (post_id, event_id)
SELECT seen.post_id, seen.event_id
FROM view_events AS seen
JOIN content ON content.post_id = seen.post_id AND content.first_owner_id IS NOT NULL
LEFT JOIN players ON players.player_key = seen.player_key
WHERE seen.event_day = $1 AND (seen.viewer_user_id IS NOT NULL OR seen.player_key IS NOT NULL) AND {by_author}
