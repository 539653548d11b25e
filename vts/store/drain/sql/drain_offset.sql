-- How far the runs $1 are drained. The row locks wait for a commit that an earlier session left in doubt.
SELECT journal_id, seq FROM journal_offset WHERE journal_id = ANY($1) ORDER BY journal_id FOR UPDATE
