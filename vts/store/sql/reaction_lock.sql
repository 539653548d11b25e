-- One change at a time for one user's reactions on one post: a limit that is counted needs it.
SELECT pg_advisory_xact_lock(7285, hashint8($1) # hashint8($2))
