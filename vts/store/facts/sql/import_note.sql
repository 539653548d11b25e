INSERT INTO imports (import_id, kind, digest, imported, recorded) VALUES ($1, $2, $3, $4, true)
