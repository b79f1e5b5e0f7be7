"""Control calls about what crosses the wire: deliveries and hand-made callbacks."""

from coinslot_sandbox.control import schema
from coinslot_sandbox.control.call import Call, Reply, choice, is_newest_first, limit, unknown
from coinslot_sandbox.control.resources import dump_delivery, dump_delivery_detail


def list_deliveries(call: Call) -> Reply:
    """Deliveries in the order of their making, or the newest first."""
    state = choice(call, "state", ("pending", "delivered", "failed", "lost", "cancelled"))
    ground = call.services.ground
    with ground.database.read() as connection:
        found = ground.post.list_deliveries(
            connection,
            order_id=call.query.get("order"),
            state=state,
            limit=limit(call),
            newest_first=is_newest_first(call),
        )
    return 200, {"deliveries": [dump_delivery(delivery) for delivery in found]}


def get_delivery(call: Call) -> Reply:
    """One delivery with its attempts."""
    ground, delivery_id = call.services.ground, call.args["deliveryId"]
    with ground.database.read() as connection:
        delivery = ground.post.find(connection, delivery_id)
        attempts = ground.post.list_attempts(connection, delivery_id)
    if delivery is None:
        raise unknown("delivery", delivery_id)
    return 200, dump_delivery_detail(delivery, attempts)


def resend_delivery(call: Call) -> Reply:
    """Send a delivery's bytes once more and wait for the answer."""
    schema.parse_empty(call.body)
    if call.services.dispatch.resender.resend(call.args["deliveryId"]) is None:
        raise unknown("delivery", call.args["deliveryId"])
    return get_delivery(call)


def post_callback(call: Call) -> Reply:
    """Send a hand-made callback and wait for the answers."""
    wish = schema.parse_callback(call.body, call.context)
    call.noted.order_id = wish.order_id
    delivery, attempts = call.services.dispatch.handmade.send(wish)
    return 200, {"delivery": dump_delivery(delivery), "attempts": attempts}


def get_document(call: Call) -> Reply:
    """This API as an OpenAPI document."""
    from coinslot_sandbox.control.openapi import document

    return 200, document(call.context.portals)
