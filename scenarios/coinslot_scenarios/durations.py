"""Durations and moments as people write them: 250ms, 2s, 1m, 1h; now, now+30s, now-1h.

Pure functions; whoever needs the time passes it in.
"""

import re

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_MOMENT = re.compile(r"now(?:([+-])(\d+(?:\.\d+)?(?:ms|s|m|h)))?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Seconds of a duration such as 250ms, 2s, 1m or 1h; ValueError for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no duration: write 250ms, 2s, 1m or 1h")
    return float(match[1]) * _SECONDS[match[2]]


def resolve_moment(value: object, *, now_s: float) -> object:
    """Whole seconds since 1970 for `now`, `now+30s` and `now-1h`; every other value unchanged."""
    if not isinstance(value, str):
        return value
    match = _MOMENT.fullmatch(value)
    if match is None:
        return value
    offset_s = parse_duration(match[2]) if match[2] else 0.0
    return int(now_s + (-offset_s if match[1] == "-" else offset_s))
