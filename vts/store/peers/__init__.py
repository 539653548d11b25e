"""Other processes on the same database: which one leads, and whether all derive viewer keys in the same way."""
