-- References: texts that name contents, users and comments (vts/model/reference.py).

-- Without this key no two texts with one number can be searched for. It never changes: numbers of texts stand in all
-- tables and journals. Two version-4 UUIDs are 244 random bits.
ALTER TABLE installation ADD COLUMN reference_key bytea NOT NULL
    DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
    CHECK (octet_length(reference_key) = 32);

-- The text of a number, as it was first written. Texts of provisional contents go when the content goes.
CREATE TABLE reference_texts (
    number bigint PRIMARY KEY CHECK (number BETWEEN 1::bigint << 61 AND (1::bigint << 62) - 1),
    text   text   NOT NULL CHECK (char_length(text) BETWEEN 1 AND 128)
);

ALTER TABLE content DROP CONSTRAINT content_kind_check;
ALTER TABLE content ADD CONSTRAINT content_kind_check
    CHECK (kind IN ('artwork', 'blog', 'playlist', 'stream', 'channel', 'movie', 'series'));

-- Processes that know an older catalog load the key with this change.
UPDATE catalog_revision SET revision = revision + 1 WHERE revision > 0;
