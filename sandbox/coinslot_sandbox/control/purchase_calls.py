"""Control calls about purchases: what the client hands over, and what becomes of an order silently."""

from coinslot_sandbox.control import schema_purchases as schema
from coinslot_sandbox.control.call import Call, Reply, unknown
from coinslot_sandbox.control.resources import dump_order, dump_purchase
from coinslot_sandbox.control.token_faults import taken_token
from coinslot_sandbox.errors import Problem


def change_order(call: Call) -> Reply:
    """Change what the portal's record of an order says; nobody is notified."""
    record = call.services.dispatch.book.change(call.args["orderId"], schema.parse_change(call.body))
    return 200, {"order": dump_order(record)}


def post_purchase(call: Call) -> Reply:
    """Make the purchase of an order, good or with a named lie."""
    wanted = schema.parse_purchase(call.body)
    ground = call.services.ground
    with ground.database.read() as connection:
        record = ground.shop.find_order(connection, wanted.order_id)
        product = None if record is None else ground.shop.find_product(connection, record.order.product_id)
    if record is None:
        raise unknown("order", wanted.order_id)
    mint = call.services.purchase_mints.get(record.portal)
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
