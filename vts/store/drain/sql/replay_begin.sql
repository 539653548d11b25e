-- Rows come back under the revisions that they had, so that records of several journals find their order. A process that
-- only has a revision below the horizon loads the whole catalog anew, these changes included.
UPDATE catalog_revision SET revision = GREATEST(revision, $1) + 1, horizon = GREATEST(revision, $1) + 1
RETURNING revision
