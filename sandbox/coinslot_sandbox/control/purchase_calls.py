"""Control calls about purchases: what the client hands over."""

from coinslot_sandbox.control import schema_purchases as schema
from coinslot_sandbox.control.call import Call, Reply, unknown
from coinslot_sandbox.control.reading import invalid
from coinslot_sandbox.control.resources import dump_purchase
from coinslot_sandbox.control.token_faults import taken_token
from coinslot_sandbox.errors import Problem
from coinslot_sandbox.store.records import OrderRecord


def post_purchase(call: Call) -> Reply:
    """Make the purchase of an order, good or with a named lie."""
    wanted = schema.parse_purchase(call.body, call.context)
    ground = call.services.ground
    with ground.database.read() as connection:
        record = ground.shop.find_order(connection, wanted.order_id)
        product = None if record is None else ground.shop.find_product(connection, record.order.product_id)
    if record is None:
        raise unknown("order", wanted.order_id)
    call.noted.order_id, call.noted.user_id = wanted.order_id, record.order.user_id
    call.noted.external_id = record.order.external_id
    face = _face(call, record, wanted.environment)
    mint = call.services.purchase_mints.get(face)
    if mint is None:
        raise Problem(
            409,
            "order-without-purchase",
            f"order {wanted.order_id} is of {record.portal}, whose client hands over no signed purchase",
            remedy=f"make an order of {' or '.join(call.context.with_purchases)}",
        )
    price = 0 if product is None else product.price
    wish, taken = taken_token(
        call.services.faults, wanted.wish, lies=mint.lies, order_id=record.order.order_id
    )
    made = mint.mint(
        wish,
        order=record.order,
        price=price,
        now_s=ground.claims.now_s(),
        restored=wanted.restored,
    )
    if taken is not None:
        call.services.faults.fired(taken)
    return 200, dump_purchase(made)


def _face(call: Call, record: OrderRecord, environment: str | None) -> str:
    """The face of the order's portal that signs: the order's own, or another one on purpose."""
    portal = call.context.portals[record.portal]
    if environment is not None and environment not in portal.environments:
        raise invalid("environment", f"one of {', '.join(portal.environments)}")
    return portal.face(environment or record.environment)
