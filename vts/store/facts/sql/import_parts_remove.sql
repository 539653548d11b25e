DELETE FROM import_parts WHERE import_id = $1
