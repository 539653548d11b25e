-- One row: a name of this database that all processes on it share. The broker keeps their session under it.
-- Whoever copies a database to run it beside the first gives the copy a name of its own:
-- UPDATE installation SET id = gen_random_uuid().

CREATE TABLE installation (
    one     boolean     PRIMARY KEY DEFAULT true CHECK (one),
    id      uuid        NOT NULL DEFAULT gen_random_uuid(),
    made_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO installation DEFAULT VALUES;
