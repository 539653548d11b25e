-- Marks are worked off day by day: a bulk change of owners leaves hundreds of thousands.
CREATE INDEX artist_stats_dirty_by_day ON artist_stats_dirty (day, owner_id);
