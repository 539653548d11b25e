-- $1 is the newest revision that the caller has. A database with less is an older copy: its next revision
-- must be above every one that was lost with the newer one, or the replay of a lost write would pass for newer than what
-- was written here. The 1,000 are for writes of other processes that the caller does not have yet.
UPDATE catalog_revision SET revision = CASE WHEN revision < $1 THEN $1 + 1000 ELSE revision + 1 END RETURNING revision
