"""Use cases as plain functions on a Session: the only writers. No HTTP in here."""
