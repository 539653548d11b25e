-- Did a content change hands since it was counted for an artist?
SELECT EXISTS (
    SELECT FROM roll_totals AS totals JOIN content ON content.post_id = totals.id
    WHERE totals.kind = 'post' AND content.owner_id IS DISTINCT FROM totals.owner_id)
