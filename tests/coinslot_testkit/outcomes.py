"""The outcome of a call as a word, for tests that feed any input and want a value or one of our errors."""

from collections.abc import Callable
from typing import Any

from coinslot_contracts.errors import ERRORS, CoinslotError


def code_of(call: Callable[..., Any], *arguments: Any, **more: Any) -> str | None:
    """The stable code of the error that the call raises, None where it returns; other errors pass through."""
    try:
        call(*arguments, **more)
    except CoinslotError as error:
        return error.code if type(error) in ERRORS and error.detail else f"unregistered: {error!r}"
    return None
