-- One intentional view of a viewer, content and day (capture.view_once).

-- The gate of one process drops what it has seen; this index drops what another process, or an earlier life of the same
-- one, has counted. It holds rows of that rule only, so it costs nothing where the rule is off.
ALTER TABLE view_events ADD COLUMN once boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX view_events_once ON view_events (post_id, event_day, viewer_key) WHERE once;
