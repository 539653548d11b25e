-- The newest row that was drained of runs of this folder ($1) that its journal does not have ($2), although it is not older
-- than what the journal keeps ($3): the file is an older copy.
SELECT max(seq) FROM journal_offset WHERE slot_id = $1 AND journal_id <> ALL($2) AND seq >= $3
