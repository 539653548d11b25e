"""Players behind a broker: where it is, the session, the subscriber, and which process holds it."""
