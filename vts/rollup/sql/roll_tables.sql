-- What one session recounts, day after day. Temporary and without a transaction around all of it: a recount of minutes
-- must not hold back the vacuum of today's counters. kind is 'post' (0: the whole site), 'artist', or 'visits'.
CREATE TEMPORARY TABLE IF NOT EXISTS roll_authors (post_id bigint NOT NULL, event_id uuid NOT NULL);
CREATE TEMPORARY TABLE IF NOT EXISTS roll_totals (
    kind                        text        NOT NULL,
    id                          bigint      NOT NULL,
    owner_id                    bigint,
    views                       bigint      NOT NULL,
    views_authenticated         bigint      NOT NULL,
    first_view_at               timestamptz NOT NULL,
    last_view_at                timestamptz NOT NULL,
    first_view_at_authenticated timestamptz,
    last_view_at_authenticated  timestamptz,
    PRIMARY KEY (kind, id)
);
CREATE TEMPORARY TABLE IF NOT EXISTS roll_counts (
    post_id       bigint   NOT NULL,
    views         bigint   NOT NULL,
    authenticated bigint   NOT NULL,
    dimension     smallint NOT NULL,
    value         text     NOT NULL
);
CREATE TEMPORARY TABLE IF NOT EXISTS roll_breakdowns (
    kind text NOT NULL, id bigint NOT NULL, breakdowns json NOT NULL, PRIMARY KEY (kind, id)
);
CREATE TEMPORARY TABLE IF NOT EXISTS roll_viewers (
    place         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text  NOT NULL,
    id            bigint NOT NULL,
    owner_id      bigint,
    anonymous     bytea,
    authenticated bytea
);
CREATE TEMPORARY TABLE IF NOT EXISTS roll_sketches (
    kind                  text   NOT NULL,
    id                    bigint NOT NULL,
    viewers               bigint NOT NULL,
    viewers_authenticated bigint NOT NULL,
    sketch                bytea,
    sketch_authenticated  bytea,
    PRIMARY KEY (kind, id)
);
CREATE TEMPORARY TABLE IF NOT EXISTS roll_visits (
    page_views              bigint NOT NULL,
    page_views_authenticated bigint NOT NULL,
    signups                 bigint NOT NULL,
    signups_authenticated   bigint NOT NULL,
    uploads                 bigint NOT NULL,
    uploads_authenticated   bigint NOT NULL,
    api_calls               bigint NOT NULL,
    api_calls_authenticated bigint NOT NULL,
    errors                  bigint NOT NULL,
    errors_authenticated    bigint NOT NULL
);
TRUNCATE roll_authors, roll_totals, roll_counts, roll_breakdowns, roll_viewers, roll_sketches, roll_visits RESTART IDENTITY
