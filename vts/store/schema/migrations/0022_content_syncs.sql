-- A full sync of the catalog comes in parts. Which contents its parts named is kept here until it is committed, so that any
-- process may take the next part, and a crash between two parts loses nothing.
CREATE TABLE content_syncs (
    sync_id       text        PRIMARY KEY CHECK (char_length(sync_id) BETWEEN 1 AND 200),
    opened_at     timestamptz NOT NULL DEFAULT now(),
    touched_at    timestamptz NOT NULL DEFAULT now(),
    committed_at  timestamptz,
    -- The catalog's revision at the opening: what was written since is not removed.
    revision      bigint      NOT NULL,
    created       bigint      NOT NULL DEFAULT 0,
    changed       bigint      NOT NULL DEFAULT 0,
    removed       bigint      NOT NULL DEFAULT 0,
    dry_run       boolean     NOT NULL,
    committing    boolean     NOT NULL DEFAULT false,
    -- Removed by the last step of the commit, and maybe not in the journal yet.
    unkept        bigint[]    NOT NULL DEFAULT '{}'
);

CREATE TABLE content_sync_parts (
    sync_id text    NOT NULL REFERENCES content_syncs ON DELETE CASCADE,
    part    integer NOT NULL CHECK (part > 0),
    digest  bytea   NOT NULL,
    PRIMARY KEY (sync_id, part)
);

CREATE TABLE content_sync_named (
    sync_id text   NOT NULL REFERENCES content_syncs ON DELETE CASCADE,
    post_id bigint NOT NULL,
    PRIMARY KEY (sync_id, post_id)
);
