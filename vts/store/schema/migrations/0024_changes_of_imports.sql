-- A statement that adds many rolled rows notes their changes itself, in one go, with vts.changes_noted = on: for each row of
-- an import of counters the trigger cost more than all the rest. The setting ends with the transaction at the latest.
DROP TRIGGER post_stats_added ON post_stats_daily;
CREATE TRIGGER post_stats_added AFTER INSERT ON post_stats_daily
    FOR EACH ROW WHEN (NEW.rolled_at IS NOT NULL AND NEW.post_id > 0
        AND current_setting('vts.changes_noted', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION note_post_change();
