WITH gone AS (DELETE FROM players WHERE player_key = $1 RETURNING player_key)
INSERT INTO catalog_removed (revision, player_key) SELECT $2, player_key FROM gone
