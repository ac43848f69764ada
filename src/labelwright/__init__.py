"""Labelwright: one labeling floor, every vendor's API."""

__version__ = "0.1.0"
