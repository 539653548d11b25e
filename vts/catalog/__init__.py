"""The contents and players that the gate knows, in memory and beside the journal."""
