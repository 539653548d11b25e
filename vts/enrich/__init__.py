"""Which viewer, country, device, page and local time a report has: pure, and quick enough for the hot path."""
