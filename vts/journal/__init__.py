"""The durability point: what the journal has settled is on disk, and stays readable until PostgreSQL has it."""
