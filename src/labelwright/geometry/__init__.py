"""Shapes, documents, masks, measures and track interpolation: pure functions on plain data."""
