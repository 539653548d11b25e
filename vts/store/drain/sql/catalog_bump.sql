UPDATE catalog_revision SET revision = revision + 1 RETURNING revision
