"""Other processes on the same database: which one leads, and whether all know viewers by the same keys."""
