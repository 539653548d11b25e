"""What a report tells about who looked, where and on what: pure, and quick enough for the hot path."""
