-- Nothing will roll these rows up, so they are as good as rolled.
UPDATE {table} SET rolled_at = now() WHERE day = ANY($1::date[]) AND {key} = ANY($2::bigint[]) AND rolled_at IS NULL
