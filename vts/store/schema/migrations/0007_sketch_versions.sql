-- What a sketch is, beside it: its kind, its size parameter, and under which version of the viewer keys (the newest, if
-- they changed within the day) its viewers are. Sketches of different key versions have no viewers in common.
ALTER TABLE post_stats_daily
    ADD COLUMN sketch_format text NOT NULL DEFAULT 'HLL_4',
    ADD COLUMN sketch_lg_k smallint NOT NULL DEFAULT 14,
    ADD COLUMN key_version smallint NOT NULL DEFAULT 1;
ALTER TABLE artist_stats_daily
    ADD COLUMN sketch_format text NOT NULL DEFAULT 'HLL_4',
    ADD COLUMN sketch_lg_k smallint NOT NULL DEFAULT 14,
    ADD COLUMN key_version smallint NOT NULL DEFAULT 1;
ALTER TABLE site_stats_daily
    ADD COLUMN sketch_format text NOT NULL DEFAULT 'HLL_4',
    ADD COLUMN sketch_lg_k smallint NOT NULL DEFAULT 14,
    ADD COLUMN key_version smallint NOT NULL DEFAULT 1;
