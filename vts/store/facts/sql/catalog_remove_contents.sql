WITH gone AS (
    DELETE FROM content WHERE post_id = ANY($1::bigint[]) AND provisional AND NOT seen_twice RETURNING post_id
), unnamed AS (
    DELETE FROM reference_texts USING gone WHERE number = post_id
)
SELECT post_id FROM gone
