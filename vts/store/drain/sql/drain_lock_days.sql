-- The transaction that counts a day holds its lock to the end, so that what is read here is still true when it is written back.
SELECT pg_advisory_xact_lock({lock}, day) FROM unnest($1::integer[]) AS day
