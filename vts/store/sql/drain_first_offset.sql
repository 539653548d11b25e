INSERT INTO journal_offset (journal_id, seq) VALUES ($1, 0) ON CONFLICT (journal_id) DO NOTHING
