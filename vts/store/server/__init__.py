"""The PostgreSQL that VTS runs itself: its programs, folders and processes."""
