"""Where Playgama lives and how a backend is told: one site for keys and verification.

clauses   playgama:2, playgama:3.B
"""

from collections.abc import Mapping


def addresses(base_url: str) -> dict[str, str]:
    """The one site below a base URL."""
    return {"url": base_url}


def environment(member: Mapping[str, str]) -> dict[str, str]:
    """The environment block of a backend; `member` holds url."""
    return {"PLAYGAMA_URL": member["url"]}
