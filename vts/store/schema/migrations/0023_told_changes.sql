-- A change of rolled days is told to every process, which may hold counts (vts/service/known_counts.py). PostgreSQL sends a
-- notice that a transaction repeats only once.
CREATE FUNCTION tell_post_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vts_counts', '');
    RETURN NULL;
END $$;

CREATE TRIGGER post_changes_told AFTER INSERT ON post_changes FOR EACH STATEMENT EXECUTE FUNCTION tell_post_change();
