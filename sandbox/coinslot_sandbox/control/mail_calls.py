"""Control calls about deliveries (list, detail, resend, recover, hold, release, cancel) and callbacks."""

from coinslot_sandbox.control import schema, schema_mail
from coinslot_sandbox.control.call import Call, Reply, is_newest_first, limit, unknown
from coinslot_sandbox.control.resources import dump_delivery, dump_delivery_detail
from coinslot_sandbox.errors import Problem


def list_deliveries(call: Call) -> Reply:
    """Deliveries in the order of their making, or the newest first."""
    wanted = schema_mail.parse_filter(call)
    ground = call.services.ground
    with ground.database.read() as connection:
        found = ground.post.list_matching(
            connection, wanted, limit=limit(call), newest_first=is_newest_first(call)
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
    return 200, dump_delivery_detail(delivery, attempts, call.context.portals[delivery.portal])


def resend_delivery(call: Call) -> Reply:
    """Send a delivery once more, as it was or made anew, and wait for the answers."""
    wish = schema_mail.parse_resend(call.body)
    if call.services.dispatch.resender.resend(call.args["deliveryId"], wish) is None:
        raise unknown("delivery", call.args["deliveryId"])
    return get_delivery(call)


def recover_deliveries(call: Call) -> Reply:
    """Let what has failed since a time begin anew."""
    wanted = schema_mail.parse_recover(call.body)
    ground = call.services.ground
    with ground.database.write() as connection:
        recovered = ground.post.shelf.take_up(
            connection, since_s=wanted.since_s, until_s=wanted.until_s, only_failed=wanted.only_failed
        )
    call.services.dispatch.wake()
    return 200, {"recovered": recovered}


def hold_deliveries(call: Call) -> Reply:
    """Hold what is pending and what will come, of one order or of all."""
    order_id = schema_mail.parse_hold(call.body)
    _check_order(call, order_id)
    ground = call.services.ground
    with ground.database.write() as connection:
        held = ground.post.shelf.hold(connection, order_id)
    return 200, {"held": held}


def release_deliveries(call: Call) -> Reply:
    """Let go what is held: so many, one, an order's or all."""
    wanted = schema_mail.parse_release(call.body)
    _check_order(call, wanted.order_id)
    ground = call.services.ground
    with ground.database.write() as connection:
        if wanted.delivery_id is not None and ground.post.find(connection, wanted.delivery_id) is None:
            raise unknown("delivery", wanted.delivery_id)
        released = ground.post.shelf.release(
            connection, count=wanted.count, delivery_id=wanted.delivery_id, order_id=wanted.order_id
        )
    call.services.dispatch.wake()
    return 200, {"released": released}


def cancel_delivery(call: Call) -> Reply:
    """Cancel a delivery that waits."""
    schema.parse_empty(call.body)
    ground, delivery_id = call.services.ground, call.args["deliveryId"]
    with ground.database.write() as connection:
        delivery = ground.post.find(connection, delivery_id)
        cancelled = ground.post.shelf.cancel(connection, delivery_id)
    if delivery is None:
        raise unknown("delivery", delivery_id)
    if not cancelled:
        raise Problem(
            409,
            "delivery-not-pending",
            f"the delivery is {delivery.state}, so nothing is to be cancelled",
            remedy="cancel only what is pending; a hand-made callback ends by itself",
        )
    call.services.dispatch.wake()
    return get_delivery(call)


def post_callback(call: Call) -> Reply:
    """Send a hand-made callback and wait for the answers."""
    wish = schema_mail.parse_callback(call.body, call.context)
    call.noted.order_id = wish.order_id
    delivery, attempts = call.services.dispatch.handmade.send(wish)
    return 200, {"delivery": dump_delivery(delivery), "attempts": attempts}


def _check_order(call: Call, order_id: str | None) -> None:
    ground = call.services.ground
    if order_id is None:
        return
    with ground.database.read() as connection:
        known = ground.shop.find_order(connection, order_id)
    if known is None:
        raise unknown("order", order_id)
