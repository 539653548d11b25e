"""The HTTP API and pages on Quart."""
