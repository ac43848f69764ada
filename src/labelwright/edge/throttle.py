"""Slowing down guesses: so many failed sign-ins an address and an account may make."""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from labelwright.errors import TooMany

# Counted in this process: with several processes an attacker gets so many tries from each, still far too few to guess.
PER_ACCOUNT = RateLimitItemPerMinute(10, 5, namespace="account")
PER_ADDRESS = RateLimitItemPerMinute(50, 5, namespace="address")


class Throttle:
    """Counts failed sign-ins. `check` before looking at a password, `failed` after a wrong one."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def check(self, account: str, address: str) -> None:
        """Raise `TooMany` (with `retry_after` seconds) when too many tries failed lately."""
        for limit, who in self._limits(account, address):
            if not self._limiter.test(limit, who):
                reset, _ = self._limiter.get_window_stats(limit, who)
                wait = max(1, math.ceil(reset - time.time()))
                raise TooMany(f"Too many wrong tries; wait {wait} seconds.", retry_after=wait)

    def failed(self, account: str, address: str) -> None:
        """Note a wrong password or key."""
        for limit, who in self._limits(account, address):
            self._limiter.hit(limit, who)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the account's wrong tries."""
        self._limiter.clear(PER_ACCOUNT, account.strip().lower())

    def _limits(self, account: str, address: str) -> list[tuple[RateLimitItemPerMinute, str]]:
        return [(PER_ACCOUNT, account.strip().lower()), (PER_ADDRESS, address)]
