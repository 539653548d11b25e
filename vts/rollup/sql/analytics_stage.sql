CREATE TEMPORARY TABLE IF NOT EXISTS analytics_views (
    post_id                 bigint,
    playlist_id             bigint,
    dwell_ms                bigint,
    play_order              smallint,
    local_hour              smallint,
    local_weekday           smallint,
    by_player               boolean,
    authenticated           boolean,
    listing                 boolean,
    converted               boolean,
    converted_authenticated boolean,
    viewer_key              bytea,
    player_key              uuid,
    country_code            text,
    channel                 text,
    context                 text
) ON COMMIT DELETE ROWS
