"""The two requests that the game's client makes of the backend to buy: open a purchase, hand one over.

Built from the profile's templates, read by its predicates; knows no scenario and no portal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coinslot_contracts.wire import WireRequest

from coinslot_scenarios.answers import Answer
from coinslot_scenarios.backend import Backend, Exchange, answer_of, first_json, json_of, says_yes
from coinslot_scenarios.profile_shape import Initiate, Purchase


class BackendUnready(Exception):
    """The backend did not do what a check builds on, so that nothing is proved; the text says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """The player in whose session the client speaks.

    facts    what templates may name of the player, by the portal
    user_id  what the backend calls the player, else the portal's id
    session  None where the backend gave none
    """

    facts: Mapping[str, Any]
    user_id: str
    session: str | None

    @property
    def names(self) -> dict[str, Any]:
        """What the templates of every request of this player may name."""
        return {
            "player": dict(self.facts),
            "user_id": self.user_id,
            "session": self.session,
        }


def open_purchase(
    backend: Backend, section: Initiate, *, buyer: Buyer, product_id: str
) -> tuple[Exchange, str | None]:
    """Open a purchase of a product; the exchange and the external id, None where the backend gave none."""
    exchange = backend.send(backend.build(section.request, {**buyer.names, "product": product_id}))
    succeeded = exchange.status is not None and 200 <= exchange.status < 300
    found = first_json(section.external_id, json_of(exchange.body)) if succeeded else None
    return exchange, found if isinstance(found, str) and found else None


def purchase_request(
    backend: Backend,
    section: Purchase,
    *,
    buyer: Buyer,
    purchase: Mapping[str, Any],
    extra: Mapping[str, Any],
) -> WireRequest:
    """The request that hands a purchase over.

    purchase   the object that the client holds: jwt, externalId, the product's id as `id`
    """
    names = {
        **buyer.names,
        "jwt": purchase["jwt"],
        "externalId": purchase["externalId"],
        "product": purchase["id"],
        "purchase": dict(purchase),
    }
    return backend.build(section.request, names, extra=extra)


def read_purchase(section: Purchase, exchange: Exchange, *, order_id: str) -> Answer:
    """What a purchase came to, by the profile's rules."""
    granted, why = says_yes(section.granted, exchange)
    pending = not granted and section.pending is not None and says_yes(section.pending, exchange)[0]
    if pending:
        why = "the profile's rule for pending"
    return answer_of(exchange, kind="purchase", accepted=granted, why=why, pending=pending, order_id=order_id)
