"""`python -m labelwright.cli` is `labelwright`."""

from labelwright.cli.app import main

main()
