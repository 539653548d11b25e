SELECT player_key, owner_id, registered, country, credential_hash, name FROM players WHERE revision > $1
