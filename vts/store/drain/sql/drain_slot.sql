-- The next free writer number is this folder's, for ever. When two folders come at once one of them finds its number taken
-- and comes again.
INSERT INTO journal_slots (slot_id, writer) SELECT $1, coalesce(max(writer), 0) + 1 FROM journal_slots
ON CONFLICT DO NOTHING
