-- Has the day $1 views of first owners that became known after the revision $2 of the catalog? OFFSET 0 keeps it to a
-- probe of the day's key for each such content.
SELECT EXISTS (
    SELECT FROM content CROSS JOIN LATERAL (
        SELECT * FROM view_events WHERE view_events.post_id = content.post_id AND event_day = $1 OFFSET 0
    ) AS seen LEFT JOIN players ON players.player_key = seen.player_key
    WHERE content.owner_known_revision > $2 AND {by_author}
) OR EXISTS (SELECT FROM players WHERE owner_known_revision > $2) AND EXISTS (
    SELECT FROM players JOIN view_events AS seen ON seen.player_key = players.player_key
        JOIN content ON content.post_id = seen.post_id
    WHERE players.owner_known_revision > $2 AND event_day = $1 AND {by_author}
)
