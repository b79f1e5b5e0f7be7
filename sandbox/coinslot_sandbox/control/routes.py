"""What each control call does: parse, ask the workspace's services, dump. The table at the end is the API.

A handler takes a Call and returns status and JSON value; what is refused is raised and becomes a problem.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from coinslot_contracts.domain import Player

from coinslot_sandbox.control import schema
from coinslot_sandbox.control.reading import invalid, is_decimal
from coinslot_sandbox.control.resources import (
    dump_delivery,
    dump_delivery_detail,
    dump_fault,
    dump_game,
    dump_keys,
    dump_order,
    dump_player,
    dump_product,
    dump_token,
)
from coinslot_sandbox.errors import Problem
from coinslot_sandbox.journal import JournalFilter
from coinslot_sandbox.order_book import OrderWish, Step
from coinslot_sandbox.players import USER_ID_RANGE
from coinslot_sandbox.services import Services

LIST_DEFAULT: Final = 1000
LIST_MAX: Final = 10_000
WAIT_S_DEFAULT: Final = 25.0
WAIT_S_MAX: Final = 60.0
SEQ_MAX: Final = 2**62
PRODUCT_ID_BASE: Final = 1002
"""The first product is 1002, as in the document's example; a scenario's default products begin there too."""

Reply = tuple[int, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One control call.

    args   what the path's variables are
    query  the first value of each query parameter
    """

    services: Services
    context: schema.Context
    args: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]


Handler = Callable[[Call], Reply]


def put_game(call: Call) -> Reply:
    """Register a game or change one."""
    game_id = call.args["game_id"]
    if not is_decimal(game_id):
        raise invalid("gameId", "a whole number")
    portal, change = schema.parse_game(call.body, call.context)
    record = call.services.games.put(portal, game_id, change)
    return 200, dump_game(record, call.context.portals[portal])


def list_games(call: Call) -> Reply:
    """Every game."""
    games = call.services.games.list_games()
    return 200, {"games": [dump_game(game, call.context.portals[game.portal]) for game in games]}


def post_player(call: Call) -> Reply:
    """Make a player or change one."""
    services = call.services
    wish = schema.parse_player(call.body)
    shop, database, ids = services.ground.shop, services.ground.database, services.ground.ids
    while True:
        number = ids.sequence("player")
        user_id = wish.user_id or ids.decimal("user-id", least=USER_ID_RANGE[0], most=USER_ID_RANGE[1])
        with database.write() as connection:
            known = shop.find_player(connection, user_id)
            if known is None or wish.user_id is not None:
                player = _player(services, number, user_id, wish, known)
                is_new = shop.save_player(connection, player, number=number)
                return 201 if is_new else 200, dump_player(player)


def _player(
    services: Services, number: int, user_id: str, wish: schema.PlayerWish, known: Player | None
) -> Player:
    return services.namer.player(
        number=number,
        user_id=user_id,
        username=wish.username or (known.username if known else None),
        picture_url=wish.picture_url or (known.picture_url if known else None),
    )


def list_players(call: Call) -> Reply:
    """Every player."""
    with call.services.ground.database.read() as connection:
        players = call.services.ground.shop.list_players(connection)
    return 200, {"players": [dump_player(player) for player in players]}


def post_product(call: Call) -> Reply:
    """Make a product or change one."""
    services = call.services
    wish = schema.parse_product(call.body)
    shop, database, ids = services.ground.shop, services.ground.database, services.ground.ids
    while True:
        number = ids.sequence("product")
        product_id = wish.product_id or str(PRODUCT_ID_BASE + ids.sequence("product-id"))
        with database.write() as connection:
            known = shop.find_product(connection, product_id)
            if known is None or wish.product_id is not None:
                product = services.namer.product(
                    number=number,
                    product_id=product_id,
                    title=wish.title or (known.title if known else None),
                    price=wish.price if wish.price is not None else (known.price if known else None),
                )
                is_new = shop.save_product(connection, product, number=number)
                return 201 if is_new else 200, dump_product(product)


def list_products(call: Call) -> Reply:
    """Every product."""
    with call.services.ground.database.read() as connection:
        products = call.services.ground.shop.list_products(connection)
    return 200, {"products": [dump_product(product) for product in products]}


def post_order(call: Call) -> Reply:
    """Make an order; pay it where it is to be paid."""
    wish: OrderWish = schema.parse_order(call.body, call.context)
    return 201, _step(call.services.dispatch.book.create(wish))


def list_orders(call: Call) -> Reply:
    """Orders in the order of their making."""
    state = _choice(call, "state", ("created", "paid", "failed"))
    with call.services.ground.database.read() as connection:
        records = call.services.ground.shop.list_orders(
            connection,
            user_id=call.query.get("player"),
            state=state,
            after=call.query.get("after"),
            limit=_limit(call),
        )
    return 200, {"orders": [dump_order(record) for record in records]}


def get_order(call: Call) -> Reply:
    """One order and its deliveries."""
    ground, order_id = call.services.ground, call.args["order_id"]
    with ground.database.read() as connection:
        record = ground.shop.find_order(connection, order_id)
        deliveries = ground.post.list_deliveries(connection, order_id=order_id, limit=LIST_MAX)
    if record is None:
        raise unknown("order", order_id)
    return 200, {
        "order": dump_order(record),
        "deliveries": [dump_delivery(delivery) for delivery in deliveries],
    }


def pay_order(call: Call) -> Reply:
    """Pay an order and notify."""
    callback = schema.parse_pay(call.body)
    return 200, _step(call.services.dispatch.book.pay(call.args["order_id"], callback=callback))


def fail_order(call: Call) -> Reply:
    """Let an order fail."""
    schema.parse_empty(call.body)
    step = call.services.dispatch.book.fail(call.args["order_id"])
    return 200, {"order": dump_order(step.order)}


def refund_order(call: Call) -> Reply:
    """Move an order's refund status."""
    status, callback = schema.parse_refund(call.body)
    book = call.services.dispatch.book
    return 200, _step(book.refund(call.args["order_id"], status=status, callback=callback))


def archive_orders(call: Call) -> Reply:
    """Take orders out of the portal's list and cancel what is pending of them."""
    archived, cancelled = call.services.dispatch.book.archive(schema.parse_archive(call.body))
    return 200, {"archived": archived, "cancelled": cancelled}


def post_token(call: Call) -> Reply:
    """Mint a user token, good or with a named lie."""
    wanted = schema.parse_token(call.body, call.context)
    ground = call.services.ground
    with ground.database.read() as connection:
        player = ground.shop.find_player(connection, wanted.user_id)
    if player is None:
        raise unknown("player", wanted.user_id)
    game_id = wanted.game_id or call.services.games.default(wanted.portal).game.game_id
    minted = call.services.mints[wanted.portal].mint(
        wanted.wish,
        player=player,
        game_id=game_id,
        now_s=ground.clock.now_s(),
        sequence=ground.ids.sequence("token"),
    )
    return 200, dump_token(minted)


def list_keys(call: Call) -> Reply:
    """Every key of every ring."""
    return 200, {"keys": dump_keys(call.services.rings)}


def rotate_keys(call: Call) -> Reply:
    """Rotate a portal's keys."""
    portal, how = schema.parse_rotation(call.body, call.context)
    call.services.rings[portal].rotate(how)
    return 200, {"keys": dump_keys({portal: call.services.rings[portal]})}


def list_deliveries(call: Call) -> Reply:
    """Deliveries in the order of their making."""
    state = _choice(call, "state", ("pending", "delivered", "failed", "lost", "cancelled"))
    ground = call.services.ground
    with ground.database.read() as connection:
        found = ground.post.list_deliveries(
            connection, order_id=call.query.get("order"), state=state, limit=_limit(call)
        )
    return 200, {"deliveries": [dump_delivery(delivery) for delivery in found]}


def get_delivery(call: Call) -> Reply:
    """One delivery with its attempts."""
    ground, delivery_id = call.services.ground, call.args["delivery_id"]
    with ground.database.read() as connection:
        delivery = ground.post.find(connection, delivery_id)
        attempts = ground.post.list_attempts(connection, delivery_id)
    if delivery is None:
        raise unknown("delivery", delivery_id)
    return 200, dump_delivery_detail(delivery, attempts)


def resend_delivery(call: Call) -> Reply:
    """Send a delivery's bytes once more and wait for the answer."""
    schema.parse_empty(call.body)
    if call.services.dispatch.resender.resend(call.args["delivery_id"]) is None:
        raise unknown("delivery", call.args["delivery_id"])
    return get_delivery(call)


def post_callback(call: Call) -> Reply:
    """Send a hand-made callback and wait for the answers."""
    wish = schema.parse_callback(call.body, call.context)
    delivery, attempts = call.services.dispatch.handmade.send(wish)
    return 200, {"delivery": dump_delivery(delivery), "attempts": attempts}


def post_fault(call: Call) -> Reply:
    """Let a fault act from now on."""
    fault_id = f"flt_{call.services.ground.ids.text('fault', 12)}"
    fault = schema.parse_fault(call.body, call.context, fault_id=fault_id)
    return 201, dump_fault(call.services.faults.add(fault))


def list_faults(call: Call) -> Reply:
    """Every fault that was not healed."""
    return 200, {"faults": [dump_fault(report) for report in call.services.faults.list_faults()]}


def delete_fault(call: Call) -> Reply:
    """Heal a fault; what it holds up ends too."""
    fault_id = call.args["fault_id"]
    report = call.services.faults.heal(fault_id)
    if report is None:
        raise unknown("fault", fault_id)
    call.services.hospice.release([fault_id])
    return 200, dump_fault(report)


def list_journal(call: Call) -> Reply:
    """Entries after a number, oldest first."""
    wanted = JournalFilter(
        dir=_choice(call, "dir", ("in", "out", "control")),
        endpoint=call.query.get("endpoint"),
        order_id=call.query.get("order_id"),
        user_id=call.query.get("user_id"),
    )
    return 200, _entries(call, _number(call, "after", default=0, most=SEQ_MAX), wanted)


def wait_journal(call: Call) -> Reply:
    """As the list, once there is something after a number or time is up."""
    after = _number(call, "after", default=0, most=SEQ_MAX)
    timeout_s = _seconds(call, "timeout_s", default=WAIT_S_DEFAULT, most=WAIT_S_MAX)
    call.services.journal.wait(after=after, timeout_s=timeout_s)
    return 200, _entries(call, after, JournalFilter())


def get_journal_entry(call: Call) -> Reply:
    """One entry."""
    text = call.args["seq"]
    entry = call.services.journal.find(int(text)) if is_decimal(text) and int(text) < SEQ_MAX else None
    if entry is None:
        raise unknown("entry", text)
    return 200, entry


def reset(call: Call) -> Reply:
    """As at first start; ids and journal numbers go on."""
    schema.parse_empty(call.body)
    call.services.reset()
    return 200, {"seed": call.services.ground.seed}


def unknown(what: str, name: str) -> Problem:
    """There is no such thing."""
    shown = name if len(name) <= 60 else name[:60] + "…"
    return Problem(
        404,
        f"{what}-unknown",
        f"there is no {what} {shown}",
        remedy=f"list what there is, or make the {what} first",
    )


def _step(step: Step) -> dict[str, Any]:
    delivery = None if step.delivery is None else dump_delivery(step.delivery)
    return {"order": dump_order(step.order), "delivery": delivery}


def _entries(call: Call, after: int, wanted: JournalFilter) -> dict[str, Any]:
    journal, limit = call.services.journal, _limit(call)
    last_seq = journal.last_seq
    entries = list(journal.entries(after=after, limit=limit, wanted=wanted))
    if len(entries) == limit or (entries and entries[-1]["seq"] > last_seq):
        last_seq = entries[-1]["seq"]
    return {"entries": entries, "last_seq": last_seq, "dropped": journal.dropped}


def _limit(call: Call) -> int:
    return _number(call, "limit", default=LIST_DEFAULT, most=LIST_MAX, least=1)


def _number(call: Call, name: str, *, default: int, most: int, least: int = 0) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not is_decimal(text) or not least <= int(text) <= most:
        raise invalid(name, f"a whole number from {least} to {most}")
    return int(text)


def _seconds(call: Call, name: str, *, default: float, most: float) -> float:
    text = call.query.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise invalid(name, f"a number from 0 to {most:g}")
    return value


def _choice(call: Call, name: str, known: tuple[str, ...]) -> str | None:
    value = call.query.get(name)
    if value is not None and value not in known:
        raise invalid(name, f"one of {', '.join(known)}")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One control call: Flask rule below the base, method, handler."""

    method: str
    path: str
    handle: Handler


ROUTES: Final = (
    Route(method="GET", path="/games", handle=list_games),
    Route(method="PUT", path="/games/<game_id>", handle=put_game),
    Route(method="GET", path="/players", handle=list_players),
    Route(method="POST", path="/players", handle=post_player),
    Route(method="GET", path="/products", handle=list_products),
    Route(method="POST", path="/products", handle=post_product),
    Route(method="GET", path="/orders", handle=list_orders),
    Route(method="POST", path="/orders", handle=post_order),
    Route(method="POST", path="/orders/archive", handle=archive_orders),
    Route(method="GET", path="/orders/<order_id>", handle=get_order),
    Route(method="POST", path="/orders/<order_id>/pay", handle=pay_order),
    Route(method="POST", path="/orders/<order_id>/fail", handle=fail_order),
    Route(method="POST", path="/orders/<order_id>/refund", handle=refund_order),
    Route(method="POST", path="/tokens", handle=post_token),
    Route(method="GET", path="/keys", handle=list_keys),
    Route(method="POST", path="/keys/rotate", handle=rotate_keys),
    Route(method="GET", path="/deliveries", handle=list_deliveries),
    Route(method="GET", path="/deliveries/<delivery_id>", handle=get_delivery),
    Route(method="POST", path="/deliveries/<delivery_id>/resend", handle=resend_delivery),
    Route(method="POST", path="/callbacks", handle=post_callback),
    Route(method="GET", path="/faults", handle=list_faults),
    Route(method="POST", path="/faults", handle=post_fault),
    Route(method="DELETE", path="/faults/<fault_id>", handle=delete_fault),
    Route(method="GET", path="/journal", handle=list_journal),
    Route(method="GET", path="/journal/wait", handle=wait_journal),
    Route(method="GET", path="/journal/<seq>", handle=get_journal_entry),
    Route(method="POST", path="/reset", handle=reset),
)
"""The control API of one workspace."""
