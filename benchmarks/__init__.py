"""How fast it is. `make bench` runs all, `make bench ARGS="import listing"` some; see docs/performance.md."""
