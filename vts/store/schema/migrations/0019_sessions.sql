-- Sessions of people who signed in, and links that share one content's or artist's statistics.

-- A cookie is signed and says who and until when, so that a request reads nothing here. Processes read the ended ones,
-- and keep them until they would have expired.
CREATE TABLE sessions (
    id          bytea       PRIMARY KEY CHECK (octet_length(id) = 16),
    user_id     bigint,
    roles       text[]      NOT NULL,
    origin      text        NOT NULL CHECK (origin IN ('link', 'token')),
    link_id     bytea       UNIQUE CHECK (octet_length(link_id) = 16),  -- so that a link is redeemed once, by any process
    device_type text        NOT NULL,
    began_at    timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    ended_at    timestamptz
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_ended ON sessions (expires_at) WHERE ended_at IS NOT NULL;

-- Of a secret of 256 random bits only the SHA-256 is kept.
CREATE TABLE share_links (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    secret_hash bytea       NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    kind        text        NOT NULL CHECK (kind IN ('content', 'artist')),
    subject     bigint      NOT NULL,
    made_by     bigint,
    by_owner    boolean     NOT NULL,  -- it is good as long as made_by owns the subject
    note        text        CHECK (char_length(note) <= 200),
    made_at     timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz
);
CREATE INDEX share_links_by_maker ON share_links (made_by);
