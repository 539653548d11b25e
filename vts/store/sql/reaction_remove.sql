DELETE FROM reactions WHERE post_id = $1 AND user_id = $2 AND emoji = $3 RETURNING authenticated
