-- A process that lacks a removal of two days ago loads everything anew.
WITH old AS (DELETE FROM catalog_removed WHERE removed_at < now() - interval '2 days' RETURNING revision)
UPDATE catalog_revision SET horizon = GREATEST(horizon, (SELECT max(revision) FROM old))
WHERE EXISTS (SELECT FROM old)
