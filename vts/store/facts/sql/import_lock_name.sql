-- Two requests of one import wait for each other here, and the second finds it applied.
SELECT pg_advisory_xact_lock({lock}, hashtext($1))
