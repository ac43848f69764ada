"""The labeling editor in the real Chromium, against a real server."""
