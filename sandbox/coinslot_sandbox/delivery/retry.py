"""When a failed delivery is tried again: the named presets, in seconds after the previous failure.

No document states a retry policy, so each is an assumption (sandbox:retry-schedule); `local` is the default.
"""

from collections.abc import Mapping
from typing import Final

_XSOLLA: Final = (*(300.0,) * 2, *(900.0,) * 7, *(3600.0,) * 10)

SECONDS: Final[Mapping[str, tuple[float, ...]]] = {
    "local": (1.0, 5.0, 30.0, *_XSOLLA),
    "none": (),
    "fast": (0.2, 0.5, 1.0),
    "xsolla": _XSOLLA,
    "svix": (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 36_000.0),
}


def retry_seconds(retry: str | tuple[float, ...]) -> tuple[float, ...]:
    """The waits of a preset, or those that were given."""
    return SECONDS[retry] if isinstance(retry, str) else retry


def next_attempt_s(*, retry_s: tuple[float, ...], attempts_made: int, failed_at_s: float) -> float | None:
    """When the next attempt is due after so many were made and failed; None where none is left."""
    if attempts_made > len(retry_s):
        return None
    return failed_at_s + retry_s[attempts_made - 1]
