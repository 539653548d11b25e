"""Players behind a broker: its address, the session, the subscriber, and which process holds it."""
