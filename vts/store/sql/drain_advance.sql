-- First of the transaction: whoever else drains this journal waits here, or finds that it has moved.
UPDATE journal_offset SET seq = $3, updated_at = now() WHERE journal_id = $1 AND seq = $2
