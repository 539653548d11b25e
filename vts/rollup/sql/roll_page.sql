SELECT place, kind, id, owner_id, anonymous, authenticated FROM roll_viewers WHERE place > $1 ORDER BY place LIMIT $2
