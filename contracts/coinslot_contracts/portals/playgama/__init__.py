"""Playgama: this folder says what its page on the verification of in-game purchases says, section by section.

Read it beside the document: `purchase` is section 1 and 3.A (what the client hands over, and its token),
`jwks` is section 2, `endpoints` and `verify` are section 3.B and the published sibling of that endpoint,
`orders` is the life of an order.
Where the page leaves a choice, `dialects` names it.
"""

from dataclasses import replace

from coinslot_contracts.order_ids import order_id
from coinslot_contracts.portal import Portal
from coinslot_contracts.portals.playgama.addresses import addresses, environment
from coinslot_contracts.portals.playgama.dialects import DIALECTS
from coinslot_contracts.portals.playgama.endpoints import ENDPOINTS
from coinslot_contracts.portals.playgama.lies import LIES
from coinslot_contracts.portals.playgama.orders import ORDERS
from coinslot_contracts.portals.playgama.purchase import PURCHASES

PORTAL = Portal(
    name="playgama",
    title="Playgama",
    package=__name__,
    endpoints=tuple(replace(endpoint, lies=LIES[endpoint.name]) for endpoint in ENDPOINTS),
    addresses=addresses,
    environment=environment,
    purchases=PURCHASES,
    dialects=DIALECTS,
    order_id=order_id,
    orders=ORDERS,
)
