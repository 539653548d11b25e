"""How events come in: over HTTP, through a broker, from players that connect directly."""
