"""Roboflow's REST API, as its unmodified Python package and command line speak it."""
