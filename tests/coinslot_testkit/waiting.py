"""Waiting for what comes about by itself, with a deadline that a busy machine meets."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

WAIT_S: Final = 20.0
Found = TypeVar("Found")


def until(
    look: Callable[[], Found], *, says: str = "it did not come about", timeout_s: float = WAIT_S
) -> Found:
    """What `look` gives, once it gives something true; AssertionError where that never happens.

    says  what is missing then
    """
    deadline_s = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline_s, f"{says}, not within {timeout_s:g} s"
        time.sleep(0.005)
    return found
