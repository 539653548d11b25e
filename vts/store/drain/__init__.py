"""From the journal into PostgreSQL, exactly once: one transaction a batch, rows and counters."""
