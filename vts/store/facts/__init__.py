"""What is kept beside events: the catalog, reactions, imports, artists' days, persons, the audit log."""
