-- Whether a view (`seen`) of a content (`content`), on a player or on none (`players`), is one of the first owner's
-- from before the owner was known. A player's view names the player's owner, unless the player had none then.
(
    content.first_owner_id = seen.viewer_user_id AND seen.created_at < content.owner_known_at
    OR seen.viewer_user_id IS NULL AND content.first_owner_id = players.first_owner_id
        AND seen.created_at < players.owner_known_at
        AND seen.created_at < COALESCE(content.first_owner_until, 'infinity')
)
