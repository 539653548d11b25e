"""Which contents and players exist, for the gate: in memory, and in a file beside the journal."""
