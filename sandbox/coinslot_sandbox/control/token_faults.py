"""Faults at `token`: a good token that is asked for is minted with a defect.

Who asks for a defect by name gets that one; a defect that the portal's tokens cannot have does not act.
"""

from collections.abc import Iterable

from coinslot_sandbox.faults import FaultBook, Taken
from coinslot_sandbox.jose import TokenWish

TOKEN = "token"  # noqa: S105 - the name of a place, not a token


def taken_token(
    faults: FaultBook, wish: TokenWish, *, lies: Iterable[str], order_id: str | None = None
) -> tuple[TokenWish, Taken | None]:
    """The token that is minted now, and the fault that makes it so; whoever mints says `fired`."""
    if wish != TokenWish():
        return wish, None
    taken = faults.take(endpoint=TOKEN, order_id=order_id)
    if taken is None:
        return wish, None
    name = taken.params["name"]
    if name not in lies:
        faults.missed(taken)
        return wish, None
    return TokenWish(hostile=name), taken
