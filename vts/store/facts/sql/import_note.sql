INSERT INTO imports (import_id, kind, digest, imported) VALUES ($1, $2, $3, $4)
