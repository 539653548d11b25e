"""What a session with PostgreSQL is: connections whose every wait ends, pools, faults, locks, channels, queries."""
