"""Two transactions that could not both be: one was rolled back whole, and is simply done again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError

from memori_wrap.errors import StoreError

TRIES = 8
_SQLSTATES = frozenset({"40001", "40P01"})  # serialization failure, deadlock
_MYSQL = frozenset({1020, 1213})  # a row that changed since it was read, deadlock

P = ParamSpec("P")
R = TypeVar("R")


def is_conflict(error: StoreError) -> bool:
    """Whether the database gave up this transaction for another: a deadlock, a key that both made at once."""
    cause = error.__cause__
    if not isinstance(cause, DBAPIError):
        return False
    driver: Any = cause.orig
    state = getattr(driver, "sqlstate", None) or getattr(driver, "pgcode", None)
    number = driver.args[0] if driver is not None and driver.args else None
    is_duckdb = type(driver).__name__ == "TransactionException"  # it tells them apart in words only
    return isinstance(cause, IntegrityError) or state in _SQLSTATES or number in _MYSQL or is_duckdb


def repeated(method: Callable[P, R]) -> Callable[P, R]:
    """For a method that is one transaction, or several of which each may be done twice."""

    @wraps(method)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, TRIES):
            try:
                return method(*args, **kwargs)
            except StoreError as error:
                if not is_conflict(error):
                    raise
            time.sleep(random.uniform(0, 0.005 * 2**attempt))  # jitter: the same two would meet again
        return method(*args, **kwargs)

    return run
