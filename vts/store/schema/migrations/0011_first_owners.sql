-- Whose views are taken out of a closed day: only those of the first owner from before the owner was known. The gate
-- drops later ones itself, and a person who becomes the owner later takes nothing away.

-- first_owner_id, owner_known_at: the first owner that a service named, and when, by the clock that views carry.
-- first_owner_until: when the content passed on to another owner or to none. owner_known_revision: the catalog's
-- revision that named the first owner; 0, or null in rows that an older version had kept in a journal, when that can change
-- no day.
ALTER TABLE content
    ADD COLUMN first_owner_id bigint,
    ADD COLUMN owner_known_at timestamptz,
    ADD COLUMN first_owner_until timestamptz,
    ADD COLUMN owner_known_revision bigint DEFAULT 0;
ALTER TABLE players
    ADD COLUMN first_owner_id bigint,
    ADD COLUMN owner_known_at timestamptz,
    ADD COLUMN owner_known_revision bigint DEFAULT 0;

-- Of contents and players that have an owner today it is not known who was the first. They count as owned by that
-- owner from the beginning, and no longer: nothing more is taken out for them, so no displayed total falls.
UPDATE content SET first_owner_id = owner_id, owner_known_at = '-infinity', first_owner_until = '-infinity'
WHERE owner_id IS NOT NULL;
UPDATE players SET first_owner_id = owner_id, owner_known_at = '-infinity' WHERE owner_id IS NOT NULL;

CREATE INDEX content_by_owner_known ON content (owner_known_revision) WHERE owner_known_revision > 0;
CREATE INDEX players_by_owner_known ON players (owner_known_revision) WHERE owner_known_revision > 0;

-- Up to which revision of the catalog the first owners were looked for among the views of a closed day.
ALTER TABLE rollup_days ADD COLUMN catalog_revision bigint NOT NULL DEFAULT 0;
