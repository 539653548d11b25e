-- First of the transaction. The first rows of a run ($5) make its offset, also where an older format made one of 0; later
-- ones move it. Two drains of one run (a copied folder) wait for each other here; who comes second finds that it has moved.
INSERT INTO journal_offset (journal_id, seq, slot_id)
SELECT $1, $3, $4 WHERE $5 OR EXISTS (SELECT FROM journal_offset WHERE journal_id = $1)
ON CONFLICT (journal_id) DO UPDATE SET seq = excluded.seq, slot_id = excluded.slot_id, updated_at = now()
WHERE journal_offset.seq = $2 OR ($5 AND journal_offset.seq <= $2)
