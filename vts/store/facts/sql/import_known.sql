SELECT digest, imported_at FROM imports WHERE import_id = $1
