"""Answers from stored counts."""
