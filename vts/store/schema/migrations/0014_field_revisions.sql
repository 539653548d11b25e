-- The catalog is merged: a write changes the fields that it names. After a failover to an older copy the writes that are lost
-- come back from journals, and each field has to be that of the write which named it last, whatever order they come in.
--
-- field_revisions: {column: revision of the write that last named it}; a column without a revision has its default.
-- Null: all have the revision of the row, which an older version has written whole.
ALTER TABLE content ADD COLUMN field_revisions jsonb;
ALTER TABLE players ADD COLUMN field_revisions jsonb;
ALTER TABLE content ALTER COLUMN field_revisions SET DEFAULT '{}';
ALTER TABLE players ALTER COLUMN field_revisions SET DEFAULT '{}';

-- Rows that a view or an import has made describe nothing.
UPDATE content SET field_revisions = '{}'
WHERE NOT deleted AND (provisional OR num_nonnulls(kind, owner_id, title) = 0);
