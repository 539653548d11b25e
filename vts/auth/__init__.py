"""Who is asking: tokens, roles, player credentials, tickets."""
