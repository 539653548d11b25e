-- The same version-4 id may come on two days from two processes, and neither sees the other's uncommitted row. Batches
-- of today cannot conflict in that way and share the lock; close to midnight and for other days one at a time.
SELECT CASE
    WHEN $1::date[] = ARRAY[(clock_timestamp() AT TIME ZONE 'UTC')::date]
        AND (clock_timestamp() AT TIME ZONE 'UTC')::time BETWEEN '00:10' AND '23:50'
    THEN pg_advisory_xact_lock_shared({lock}, 2)
    ELSE pg_advisory_xact_lock({lock}, 2)
END
