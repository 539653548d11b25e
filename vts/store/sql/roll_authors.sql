-- Views by the owner of the content, signed in or on a player of theirs, that were stored before the owner was known.
INSERT INTO roll_authors (post_id, event_id)
SELECT seen.post_id, seen.event_id
FROM view_events AS seen
LEFT JOIN players ON players.player_key = seen.player_key
JOIN content ON content.post_id = seen.post_id AND content.owner_id IN (seen.viewer_user_id, players.owner_id)
WHERE seen.event_day = $1 AND (seen.viewer_user_id IS NOT NULL OR seen.player_key IS NOT NULL)
