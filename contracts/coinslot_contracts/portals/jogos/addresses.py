"""Where Jogos lives and how a backend is told: two sites, one for the web, one for the API.

clause   jogos:iap.env (test and production have hosts of their own)
"""

from collections.abc import Mapping


def addresses(base_url: str) -> dict[str, str]:
    """The two sites below one base URL; an impersonation serves both from the same place."""
    return {"web_url": base_url, "api_url": base_url}


def environment(member: Mapping[str, str]) -> dict[str, str]:
    """The environment block of a backend.

    member   web_url, api_url, game_id, shared_key
    """
    return {
        "JOGOS_WEB_URL": member["web_url"],
        "JOGOS_API_URL": member["api_url"],
        "JOGOS_GAME_ID": member["game_id"],
        "JOGOS_SHARED_KEY": member["shared_key"],
    }
