"""Jogos: this folder says what its server-side integration document says, section by section.

Read it beside the document: `identity` is the user system, `notices` the payment and refund notification,
`endpoints` and `reports` the two calls that a game's server makes, `orders` the life of an order, `codes` and
`signing` what they share.
Where the document leaves a choice, `dialects` names it; `dialect_…`, `key_document`, `orders_list` make it.
"""

from dataclasses import replace

from coinslot_contracts.order_ids import order_id
from coinslot_contracts.portal import Portal
from coinslot_contracts.portals.jogos.addresses import addresses, environment
from coinslot_contracts.portals.jogos.dialects import DIALECTS
from coinslot_contracts.portals.jogos.endpoints import ENDPOINTS
from coinslot_contracts.portals.jogos.identity import IDENTITY
from coinslot_contracts.portals.jogos.lies import LIES
from coinslot_contracts.portals.jogos.notices import NOTICES
from coinslot_contracts.portals.jogos.orders import ORDERS
from coinslot_contracts.portals.jogos.reports import REPORTS

PORTAL = Portal(
    name="jogos",
    title="Jogos",
    package=__name__,
    endpoints=tuple(replace(endpoint, lies=LIES[endpoint.name]) for endpoint in ENDPOINTS),
    addresses=addresses,
    environment=environment,
    identity=IDENTITY,
    notices=NOTICES,
    reports=REPORTS,
    dialects=DIALECTS,
    order_id=order_id,
    orders=ORDERS,
)
