"""Control calls about the shop: games, players, products, orders and tokens."""

from typing import Final

from coinslot_contracts.domain import ORDER_STATES, Player

from coinslot_sandbox.control import schema
from coinslot_sandbox.control.call import LIST_MAX, Call, Reply, choice, is_newest_first, limit, unknown
from coinslot_sandbox.control.reading import invalid, is_decimal
from coinslot_sandbox.control.resources import (
    dump_delivery,
    dump_game,
    dump_order,
    dump_player,
    dump_product,
    dump_token,
)
from coinslot_sandbox.control.token_faults import taken_token
from coinslot_sandbox.players import USER_ID_RANGE
from coinslot_sandbox.store.records import Product

PRODUCT_ID_BASE: Final = 1002
"""The first product is 1002, as in the document's example; a profile's default products begin there too."""


def put_game(call: Call) -> Reply:
    """Register a game or change one."""
    game_id = call.args["gameId"]
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
    ground, wish = call.services.ground, schema.parse_player(call.body)
    number = ground.ids.sequence("player")
    user_id = wish.user_id or _free_user_id(call)
    known = _find_player(call, user_id)
    player = call.services.namer.player(
        number=number,
        user_id=user_id,
        username=wish.username or (known.username if known else None),
        picture_url=wish.picture_url or (known.picture_url if known else None),
    )
    with ground.database.write() as connection:
        is_new = ground.shop.save_player(connection, player, number=number)
    return 201 if is_new else 200, dump_player(player)


def _free_user_id(call: Call) -> str:
    while True:
        least, most = USER_ID_RANGE
        user_id = call.services.ground.ids.decimal("user-id", least=least, most=most)
        if _find_player(call, user_id) is None:
            return user_id


def _find_player(call: Call, user_id: str) -> Player | None:
    with call.services.ground.database.read() as connection:
        return call.services.ground.shop.find_player(connection, user_id)


def list_players(call: Call) -> Reply:
    """Every player."""
    with call.services.ground.database.read() as connection:
        players = call.services.ground.shop.list_players(connection)
    return 200, {"players": [dump_player(player) for player in players]}


def post_product(call: Call) -> Reply:
    """Make a product or change one."""
    ground, wish = call.services.ground, schema.parse_product(call.body)
    number = ground.ids.sequence("product")
    product_id = wish.product_id or _free_product_id(call)
    known = _find_product(call, product_id)
    product = call.services.namer.product(
        number=number,
        product_id=product_id,
        title=wish.title or (known.title if known else None),
        price=known.price if wish.price is None and known else wish.price,
    )
    with ground.database.write() as connection:
        is_new = ground.shop.save_product(connection, product, number=number)
    return 201 if is_new else 200, dump_product(product)


def _free_product_id(call: Call) -> str:
    while True:
        product_id = str(PRODUCT_ID_BASE + call.services.ground.ids.sequence("product-id"))
        if _find_product(call, product_id) is None:
            return product_id


def _find_product(call: Call, product_id: str) -> Product | None:
    with call.services.ground.database.read() as connection:
        return call.services.ground.shop.find_product(connection, product_id)


def list_products(call: Call) -> Reply:
    """Every product."""
    with call.services.ground.database.read() as connection:
        products = call.services.ground.shop.list_products(connection)
    return 200, {"products": [dump_product(product) for product in products]}


def list_orders(call: Call) -> Reply:
    """Orders in the order of their making, or the newest first."""
    state = choice(call, "state", ORDER_STATES)
    with call.services.ground.database.read() as connection:
        records = call.services.ground.shop.list_orders(
            connection,
            user_id=call.query.get("player"),
            state=state,
            after=call.query.get("after"),
            limit=limit(call),
            newest_first=is_newest_first(call),
        )
    return 200, {"orders": [dump_order(record, call.context) for record in records]}


def get_order(call: Call) -> Reply:
    """One order and its deliveries."""
    ground, order_id = call.services.ground, call.args["orderId"]
    with ground.database.read() as connection:
        record = ground.shop.find_order(connection, order_id)
        deliveries = ground.post.list_deliveries(connection, order_id=order_id, limit=LIST_MAX)
    if record is None:
        raise unknown("order", order_id)
    return 200, {
        "order": dump_order(record, call.context),
        "deliveries": [dump_delivery(delivery) for delivery in deliveries],
    }


def post_token(call: Call) -> Reply:
    """Mint a user token, good or with a named lie."""
    wanted = schema.parse_token(call.body, call.context)
    ground = call.services.ground
    player = _find_player(call, wanted.user_id)
    if player is None:
        raise unknown("player", wanted.user_id)
    call.noted.user_id = wanted.user_id
    game_id = wanted.game_id or call.services.games.default(wanted.portal).game.game_id
    face = call.context.portals[wanted.portal].face(wanted.environment)
    mint = call.services.mints[face]
    wish, taken = taken_token(call.services.faults, wanted.wish, lies=mint.lies)
    minted = mint.mint(
        wish,
        player=player,
        game_id=game_id,
        now_s=ground.claims.now_s(),
        sequence=ground.ids.sequence("token"),
    )
    if taken is not None:
        call.services.faults.fired(taken)
    return 200, dump_token(minted)
