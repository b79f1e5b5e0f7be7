"""Statements that every call runs, put together once: building one costs several times what running it does.

Each takes the workspace as `own` and what it looks for as `key_…`; values to write go by their column's name.
"""

from typing import Any, Final

from sqlalchemy import Select, Table, Update, bindparam, insert, select, update

from coinslot_sandbox.store.tables import GAMES, ORDERS, PLAYERS, PRODUCTS


def _place(table: Table, *names: str) -> list[Any]:
    keys = (table.c[name] == bindparam(f"key_{name}") for name in names)
    return [table.c.workspace == bindparam("own"), *keys]


def _find(table: Table, *names: str) -> Select[Any]:
    return select(table).where(*_place(table, *names))


def _change(table: Table, *names: str) -> Update:
    return update(table).where(*_place(table, *names))


GAME: Final = _find(GAMES, "portal", "game_id")
DEFAULT_GAME: Final = _find(GAMES, "portal").where(GAMES.c.is_default)
PLAYER: Final = _find(PLAYERS, "user_id")
PRODUCT: Final = _find(PRODUCTS, "product_id")
ORDER: Final = _find(ORDERS, "order_id")
ORDER_FOR_CHANGE: Final = ORDER.with_for_update()
ADD_ORDER: Final = insert(ORDERS)
CHANGE_ORDER: Final = _change(ORDERS, "order_id")
LISTED_PAGE: Final = (
    _find(ORDERS, "portal", "environment", "game_id")
    .where(ORDERS.c.listed == 1)
    .order_by(ORDERS.c.paid_at_s.desc(), ORDERS.c.order_id)
    .offset(bindparam("first"))
    .limit(bindparam("most"))
)
