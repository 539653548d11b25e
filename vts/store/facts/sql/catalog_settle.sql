UPDATE content SET seen_twice = true, revision = $2 WHERE post_id = ANY($1::bigint[]) AND provisional
