"""What every edge (our API, the pages, the vendors) shares: context, calls, sign-in, limits, headers."""
