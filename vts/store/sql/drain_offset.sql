-- The row lock waits for a commit that an earlier session of this journal left in doubt.
SELECT seq FROM journal_offset WHERE journal_id = $1 FOR UPDATE
