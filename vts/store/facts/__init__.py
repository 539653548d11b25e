"""What else is kept: the catalog, reactions, imports, artists' days, persons, the audit log."""
