"""Players without a broker: the endpoint that they connect to."""
