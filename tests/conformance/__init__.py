"""Clients of the applications that VTS counts for, as they are: message shapes, headers, order, retries."""
