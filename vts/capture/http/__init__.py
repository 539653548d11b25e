"""The HTTP door: sockets, the reader of requests, and what happens to each of them."""
