"""Supervisely's API, as its unmodified Python package speaks it."""
