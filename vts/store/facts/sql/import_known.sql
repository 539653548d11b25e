SELECT digest, kind, recorded, imported FROM imports WHERE import_id = $1
