"""Pure values and rules. Nothing here waits, reads a clock or draws a random number."""
