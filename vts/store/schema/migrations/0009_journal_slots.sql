-- An offset belongs to a run of a journal: what one opening of its file wrote. Rows of journal_offset are never deleted: a
-- run without a row was never drained into this database, whatever copy of the file says so.
--
-- A slot is a data folder. Its writer number survives the runs of its journal.
CREATE TABLE journal_slots (
    slot_id    uuid        PRIMARY KEY,
    writer     smallint    NOT NULL UNIQUE CHECK (writer > 0),
    created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE journal_offset ADD COLUMN slot_id uuid;

-- Held: the event is sound, but it may have been counted before the raw rows of its day were dropped. The operator counts
-- or discards it.
ALTER TABLE dead_letters ADD COLUMN held boolean NOT NULL DEFAULT false;
CREATE INDEX dead_letters_held ON dead_letters (created_at) WHERE held;
