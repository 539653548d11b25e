"""How the process stays up: supervision, mailboxes, the tree of actors."""
