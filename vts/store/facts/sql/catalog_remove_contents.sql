DELETE FROM content WHERE post_id = ANY($1::bigint[]) AND provisional AND NOT seen_twice RETURNING post_id
