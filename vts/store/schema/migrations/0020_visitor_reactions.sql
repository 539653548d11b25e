-- Reactions of visitors who are not signed in, under the viewer key that their views have. A table of its own: the key of
-- `reactions` is the user's.
CREATE TABLE visitor_reactions (
    post_id     bigint      NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    key_version smallint    NOT NULL,
    viewer_key  bytea       NOT NULL CHECK (octet_length(viewer_key) = 16),
    emoji       text        NOT NULL,
    PRIMARY KEY (post_id, viewer_key, emoji)
);
