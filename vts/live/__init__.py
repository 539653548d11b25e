"""Live counts, pushed to the connections that follow a topic."""
