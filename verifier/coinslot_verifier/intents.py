"""What a player was allowed to begin buying: an unguessable id, bound to one player and one product.

A portal's signed purchase may name neither player nor product, only the id that the game passed when it was
opened. So the backend makes that id, and believes what it wrote down beside it, never what a client says.
An intent is not used up: each paid order under it is granted once, by the ledger.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, and_, insert, select

from coinslot_verifier.ledger_store import INTENTS, READ_ONLY, create_tables, outages

RANDOM_BYTES: Final = 24
EXTERNAL_ID_CHARS_MAX: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One opened purchase.

    external_id   what the game passes to the portal, and the portal's token says again
    """

    external_id: str
    user_id: str
    product_id: str
    opened_at_s: float


class Intents:
    """The intents of one game at one portal; may share a database with the ledger, and be shared by threads.

    make_id   a fresh id at each call; by default 24 random bytes as 32 characters of Base64url
    clock     seconds since 1970
    """

    def __init__(
        self,
        engine: Engine,
        *,
        portal: str,
        game_id: str = "",
        make_id: Callable[[], str] = lambda: secrets.token_urlsafe(RANDOM_BYTES),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._scope = {"portal": portal, "game_id": game_id}
        self._make_id = make_id
        self._clock = clock

    def create_tables(self) -> None:
        """Create what is missing of the tables, the ledger's included; harmless when repeated.

        errors   LedgerUnavailable where the database is away
        """
        create_tables(self._engine)

    def open(self, user_id: str, product_id: str) -> str:
        """Remember that this player may buy this product; returns the external id to open the purchase with.

        The caller has checked that the player is logged in and that the product is for sale.
        errors   LedgerUnavailable where the database is away
        """
        external_id = self._make_id()
        row = {
            **self._scope,
            "external_id": external_id,
            "user_id": user_id,
            "product_id": product_id,
            "opened_at_s": self._clock(),
        }
        with outages(), self._engine.begin() as connection:
            connection.execute(insert(INTENTS).values(row))
        return external_id

    def find(self, external_id: object) -> Intent | None:
        """The intent of this external_id, compared exactly; None for any value that is no id of ours.

        errors   LedgerUnavailable where the database is away
        """
        if not _is_possible(external_id):
            return None
        row = {**self._scope, "external_id": external_id}
        query = select(INTENTS).where(and_(*(INTENTS.c[name] == value for name, value in row.items())))
        with outages(), self._engine.connect() as connection:
            found = connection.execution_options(**READ_ONLY).execute(query).one_or_none()
        if found is None:
            return None
        return Intent(
            external_id=found.external_id,
            user_id=found.user_id,
            product_id=found.product_id,
            opened_at_s=found.opened_at_s,
        )


def _is_possible(external_id: object) -> bool:
    """Whether a database can be asked for it at all; some refuse NUL and half surrogate pairs."""
    return (
        isinstance(external_id, str)
        and external_id.isprintable()
        and 0 < len(external_id) <= EXTERNAL_ID_CHARS_MAX
    )
