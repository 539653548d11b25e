"""PostgreSQL: sessions, the embedded server, the schema, the drain, further facts, other processes."""
