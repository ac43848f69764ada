"""`python -m labelwright.cli` is `labelwright`."""

from labelwright.cli.app import main

if __name__ == "__main__":
    main()
