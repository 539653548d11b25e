"""Which events count."""
