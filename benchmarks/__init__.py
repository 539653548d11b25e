"""Benchmarks: whole processes beside references of the same run."""
