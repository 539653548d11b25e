"""Supervision itself: children, policies, mailboxes, the watchdog. It knows no part of VTS."""
