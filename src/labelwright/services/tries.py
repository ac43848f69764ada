"""Slowing down guesses: so many wrong passwords an account and an address may have. Counted in the database, so that
several processes count together."""

from __future__ import annotations

import hashlib
import math
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from labelwright.db import now
from labelwright.errors import TooMany
from labelwright.models.identity import WrongTry

WINDOW = timedelta(minutes=5)
PER_ACCOUNT, PER_ADDRESS = 10, 50


def check(session: Session, account: str, address: str) -> None:
    """Raise `TooMany` (with `retry_after` seconds) when too many tries failed lately: before looking at a password."""
    for who, most in ((_account(account), PER_ACCOUNT), (_address(address), PER_ADDRESS)):
        lately = select(func.count(), func.min(WrongTry.at)).where(WrongTry.who == who, WrongTry.at > now() - WINDOW)
        count, first = session.execute(lately).one()
        if count >= most:
            wait = max(1, math.ceil((first + WINDOW - now()).total_seconds()))
            raise TooMany(f"Too many wrong tries; wait {wait} seconds.", retry_after=wait)


def failed(session: Session, account: str, address: str) -> None:
    """Note a wrong password."""
    session.add_all([WrongTry(who=_account(account)), WrongTry(who=_address(address))])
    session.flush()


def succeeded(session: Session, account: str) -> None:
    """Forget the account's wrong tries."""
    session.execute(delete(WrongTry).where(WrongTry.who == _account(account)))


def forget(session: Session) -> None:
    """Delete what no longer counts."""
    session.execute(delete(WrongTry).where(WrongTry.at < now() - WINDOW))


def _account(account: str) -> bytes:
    return hashlib.sha256(b"account:" + account.strip().lower().encode(errors="replace")).digest()


def _address(address: str) -> bytes:
    return hashlib.sha256(b"address:" + address.encode(errors="replace")).digest()
