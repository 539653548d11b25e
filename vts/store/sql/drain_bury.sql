INSERT INTO dead_letters (journal_id, seq, index, reason, body)
SELECT $1, $2, index, reason, body FROM unnest($3::integer[], $4::text[], $5::text[]) AS u (index, reason, body)
ON CONFLICT (journal_id, seq, index) DO NOTHING
