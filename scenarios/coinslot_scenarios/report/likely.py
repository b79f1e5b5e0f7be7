"""The table of likely causes: a guess for a check and the signature of its failure.

Data only; a failure that nothing matches gets no guess.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def causes() -> Mapping[tuple[str, str], str]:
    """(check, signature) -> sentence."""
    text = (files("coinslot_scenarios") / "report" / "likely.toml").read_text("utf-8")
    return {(row["check"], row["signature"]): row["says"] for row in tomllib.loads(text)["cause"]}


def likely_cause(check_id: str, signature: str) -> str | None:
    """What this failure probably comes from, or None."""
    return causes().get((check_id, signature)) or causes().get(("*", signature))
