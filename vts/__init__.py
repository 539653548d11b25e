"""VTS: what a view tracking system does, room by room."""
