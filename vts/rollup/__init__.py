"""Closed days: roller, sketch, retention."""
