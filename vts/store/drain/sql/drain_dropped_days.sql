SELECT day FROM rollup_days WHERE day = ANY($1) AND dropped_at IS NOT NULL
