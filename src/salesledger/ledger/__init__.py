"""The store: an append-only log of events in one file."""
