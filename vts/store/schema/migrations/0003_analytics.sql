-- What players' views tell beyond counts: time in a channel, conversion, play order, local hours, playlists.
--
-- All rows of a day come from its raw views at once and are replaced at once (vts/rollup/analytics.py): a closed day by
-- its roll-up, an open one every few seconds. A day has at most 700 rows of engagement, 168 of hours, one of players,
-- and one for each playlist that was played. On a Citus cluster all of them are local tables.

-- kind 'channel': value is the channel, context one of its 100 largest contexts, 'other', or '' for the whole channel.
-- kind 'play_order': value is the order. Sketches only where context is ''.
-- dwell: between a player's view and its next one in the same channel, context and playlist; dwell_views have such a next.
-- shown: pairs of viewer and content with a listing view; converted: those with an intentional view afterwards.
CREATE TABLE engagement_stats_daily (
    views                        bigint NOT NULL,
    views_authenticated          bigint NOT NULL,
    dwell_ms                     bigint NOT NULL,
    dwell_ms_authenticated       bigint NOT NULL,
    dwell_views                  bigint NOT NULL,
    dwell_views_authenticated    bigint NOT NULL,
    shown                        bigint NOT NULL,
    shown_authenticated          bigint NOT NULL,
    converted                    bigint NOT NULL,
    converted_authenticated      bigint NOT NULL,
    day                          date   NOT NULL,
    kind                         text   NOT NULL CHECK (kind IN ('channel', 'play_order')),
    value                        text   NOT NULL,
    context                      text   NOT NULL,
    sketch                       bytea, -- of its viewers
    sketch_authenticated         bytea,
    PRIMARY KEY (kind, day, value, context)
);
ALTER TABLE engagement_stats_daily
    ALTER COLUMN sketch SET STORAGE EXTERNAL, ALTER COLUMN sketch_authenticated SET STORAGE EXTERNAL;

-- By the viewer's own clock; weekday 0 is Monday. A UTC day has hours of up to three local weekdays.
CREATE TABLE local_hours_daily (
    views               bigint   NOT NULL,
    views_authenticated bigint   NOT NULL,
    day                 date     NOT NULL,
    weekday             smallint NOT NULL CHECK (weekday BETWEEN 0 AND 6),
    hour                smallint NOT NULL CHECK (hour BETWEEN 0 AND 23),
    PRIMARY KEY (day, weekday, hour)
);

-- breakdowns: post and country count views via the playlist, as in post_stats_daily: the 100 largest and `other`.
CREATE TABLE playlist_stats_daily (
    playlist_id               bigint NOT NULL,
    views                     bigint NOT NULL,
    views_authenticated       bigint NOT NULL,
    dwell_ms                  bigint NOT NULL,
    dwell_ms_authenticated    bigint NOT NULL,
    dwell_views               bigint NOT NULL,
    dwell_views_authenticated bigint NOT NULL,
    day                       date   NOT NULL,
    breakdowns                json   NOT NULL,
    sketch                    bytea,
    sketch_authenticated      bytea,
    PRIMARY KEY (playlist_id, day)
);
CREATE INDEX playlist_stats_by_day ON playlist_stats_daily (day);
ALTER TABLE playlist_stats_daily
    ALTER COLUMN sketch SET STORAGE EXTERNAL, ALTER COLUMN sketch_authenticated SET STORAGE EXTERNAL;

-- A row for every day that was analysed. site_views: how many views of the site it knows of; when the day has more by
-- now, the rows of all these tables lag. players: how many reported a view. breakdowns: country counts players' views.
CREATE TABLE player_stats_daily (
    site_views            bigint      NOT NULL,
    computed_at           timestamptz NOT NULL DEFAULT now(),
    views                 bigint      NOT NULL,
    views_authenticated   bigint      NOT NULL,
    players               bigint      NOT NULL,
    players_authenticated bigint      NOT NULL,
    day                   date        PRIMARY KEY,
    breakdowns            json        NOT NULL,
    sketch                bytea,
    sketch_authenticated  bytea
);
ALTER TABLE player_stats_daily
    ALTER COLUMN sketch SET STORAGE EXTERNAL, ALTER COLUMN sketch_authenticated SET STORAGE EXTERNAL;

-- The catalog as it was at a revision: contents and players that a service has described. One row, and one for a day.
CREATE TABLE catalog_stats (
    one                boolean     PRIMARY KEY DEFAULT true CHECK (one),
    revision           bigint      NOT NULL,
    computed_at        timestamptz NOT NULL DEFAULT now(),
    contents           bigint      NOT NULL,
    players            bigint      NOT NULL,
    players_registered bigint      NOT NULL,
    players_by_country json        NOT NULL -- registered ones: {"BR": 3, ...}
);
CREATE TABLE catalog_stats_daily (
    contents bigint NOT NULL,
    players  bigint NOT NULL,
    day      date   PRIMARY KEY
);

-- What today's analytics are made of: found without reading the views of everybody else.
CREATE INDEX view_events_analytics ON view_events (created_at)
    WHERE player_key IS NOT NULL OR channel IS NOT NULL OR play_order IS NOT NULL OR playlist_id IS NOT NULL
        OR local_hour IS NOT NULL;
