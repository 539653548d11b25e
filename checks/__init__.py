"""Checks that are too slow for every change: many seeds, long fuzz, fresh installs. `make check` runs them."""
