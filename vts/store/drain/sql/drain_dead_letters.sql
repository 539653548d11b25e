INSERT INTO dead_letters (journal_id, seq, index, reason, body, held)
SELECT $1, $2, index, reason, body, held
FROM unnest($3::integer[], $4::text[], $5::text[], $6::boolean[]) AS u (index, reason, body, held)
ON CONFLICT (journal_id, seq, index) DO NOTHING
