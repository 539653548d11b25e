"""Who may do what: tokens, player credentials, one-use tickets, generated secrets."""
