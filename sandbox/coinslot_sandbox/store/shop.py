"""Games, players, products, orders and keys of one workspace: reading and writing, nothing decided.

Every function takes the connection of a transaction that the caller opened, so that what belongs together
is committed together.
"""

from collections.abc import Sequence
from typing import Any

from coinslot_contracts.domain import Player
from sqlalchemy import ColumnElement, Connection, Select, Table, delete, func, insert, select, update

from coinslot_sandbox.store import prepared
from coinslot_sandbox.store.records import GameRecord, KeyRecord, OrderRecord, Product
from coinslot_sandbox.store.rows import (
    game_of,
    game_values,
    is_listed,
    key_of,
    key_values,
    order_of,
    order_values,
    player_of,
    product_of,
)
from coinslot_sandbox.store.tables import (
    DIALECTS,
    GAMES,
    KEYS,
    LISTED_ORDERS,
    ORDER_EVENTS,
    ORDERS,
    PLAYERS,
    PRODUCTS,
)


class Shop:
    """The rows of one workspace."""

    def __init__(self, workspace: str) -> None:
        self.workspace = workspace

    def find_game(self, connection: Connection, portal: str, game_id: str) -> GameRecord | None:
        """The game of this portal with this id."""
        row = self._row(connection, prepared.GAME, key_portal=portal, key_game_id=game_id)
        return None if row is None else game_of(row)

    def find_default_game(self, connection: Connection, portal: str) -> GameRecord | None:
        """The game that is meant where a call names none."""
        row = self._row(connection, prepared.DEFAULT_GAME, key_portal=portal)
        return None if row is None else game_of(row)

    def list_games(self, connection: Connection) -> list[GameRecord]:
        """Every game, the default ones first."""
        wanted = self._games().order_by(GAMES.c.is_default.desc(), GAMES.c.portal, GAMES.c.game_id)
        return [game_of(row) for row in connection.execute(wanted).mappings()]

    def save_game(self, connection: Connection, record: GameRecord) -> None:
        """Write a game, new or known."""
        values = game_values(record)
        here = (
            GAMES.c.workspace == self.workspace,
            GAMES.c.portal == record.portal,
            GAMES.c.game_id == record.game.game_id,
        )
        changed = connection.execute(update(GAMES).where(*here).values(values))
        if changed.rowcount == 0:
            row = {"workspace": self.workspace, **values}
            connection.execute(insert(GAMES).values(row))

    def count_paid_orders(self, connection: Connection, portal: str, environment: str, game_id: str) -> int:
        """How many orders the portal's list of this game has; a counter, so that it costs one row."""
        wanted = select(LISTED_ORDERS.c.count).where(*self._listed(portal, environment, game_id))
        return connection.scalar(wanted) or 0

    def find_player(self, connection: Connection, user_id: str) -> Player | None:
        """The player with this id."""
        row = self._row(connection, prepared.PLAYER, key_user_id=user_id)
        return None if row is None else player_of(row)

    def list_players(self, connection: Connection) -> list[Player]:
        """Every player, in the order of their making."""
        wanted = self._of(PLAYERS).order_by(PLAYERS.c.number)
        return [player_of(row) for row in connection.execute(wanted).mappings()]

    def save_player(self, connection: Connection, player: Player, *, number: int) -> bool:
        """Write a player; True where the player is new."""
        values = {"username": player.username, "picture_url": player.picture_url}
        key = {"user_id": player.user_id}
        return self._save(connection, PLAYERS, key, values, number=number)

    def find_product(self, connection: Connection, product_id: str) -> Product | None:
        """The product with this id."""
        row = self._row(connection, prepared.PRODUCT, key_product_id=product_id)
        return None if row is None else product_of(row)

    def list_products(self, connection: Connection) -> list[Product]:
        """Every product, in the order of their making."""
        wanted = self._of(PRODUCTS).order_by(PRODUCTS.c.number)
        return [product_of(row) for row in connection.execute(wanted).mappings()]

    def save_product(self, connection: Connection, product: Product, *, number: int) -> bool:
        """Write a product; True where it is new."""
        values = {"title": product.title, "price": product.price}
        return self._save(connection, PRODUCTS, {"product_id": product.product_id}, values, number=number)

    def find_order(self, connection: Connection, order_id: str) -> OrderRecord | None:
        """The order with this id, archived or not."""
        row = self._row(connection, prepared.ORDER, key_order_id=order_id)
        return None if row is None else order_of(row)

    def find_order_for_change(self, connection: Connection, order_id: str) -> OrderRecord | None:
        """As `find_order`, and nobody else changes it before this transaction ends."""
        row = self._row(connection, prepared.ORDER_FOR_CHANGE, key_order_id=order_id)
        return None if row is None else order_of(row)

    def add_order(self, connection: Connection, record: OrderRecord, *, number: int) -> None:
        """Write a new order."""
        row = {"workspace": self.workspace, "number": number, **order_values(record)}
        connection.execute(prepared.ADD_ORDER, row)
        self._count(connection, record, by=is_listed(record))

    def change_order(self, connection: Connection, old: OrderRecord, new: OrderRecord) -> None:
        """Write what has become of an order."""
        here = {"own": self.workspace, "key_order_id": old.order.order_id}
        connection.execute(prepared.CHANGE_ORDER, {**here, **order_values(new)})
        self._count(connection, new, by=is_listed(new) - is_listed(old))

    def list_paid_orders(
        self,
        connection: Connection,
        portal: str,
        environment: str,
        game_id: str,
        *,
        first: int,
        limit: int,
    ) -> list[OrderRecord]:
        """One stretch of the portal's list: newest payment first, ties by order id."""
        page = {
            "own": self.workspace,
            "key_portal": portal,
            "key_environment": environment,
            "key_game_id": game_id,
            "first": first,
            "most": limit,
        }
        return [order_of(row) for row in connection.execute(prepared.LISTED_PAGE, page).mappings()]

    def list_orders(
        self,
        connection: Connection,
        *,
        user_id: str | None,
        state: str | None,
        after: str | None,
        limit: int,
        newest_first: bool = False,
    ) -> list[OrderRecord]:
        """Orders in the order of their making or the reverse, of one player or state; after one order id."""
        number = ORDERS.c.number
        wanted = self._of(ORDERS).order_by(number.desc() if newest_first else number).limit(limit)
        if user_id is not None:
            wanted = wanted.where(ORDERS.c.user_id == user_id)
        if state is not None:
            wanted = wanted.where(ORDERS.c.state == state)
        if after is not None:
            here = (ORDERS.c.order_id == after, ORDERS.c.workspace == self.workspace)
            place = select(ORDERS.c.number).where(*here).scalar_subquery()
            wanted = wanted.where(number < place if newest_first else number > func.coalesce(place, -1))
        return [order_of(row) for row in connection.execute(wanted).mappings()]

    def list_keys(self, connection: Connection, portal: str, environment: str) -> list[KeyRecord]:
        """The ring of one environment of a portal, oldest key first."""
        here = (KEYS.c.portal == portal, KEYS.c.environment == environment)
        wanted = self._of(KEYS).where(*here).order_by(KEYS.c.number)
        return [key_of(row) for row in connection.execute(wanted).mappings()]

    def replace_keys(
        self, connection: Connection, portal: str, environment: str, records: Sequence[KeyRecord]
    ) -> None:
        """Write the whole ring of one environment of a portal."""
        own = {"workspace": self.workspace, "portal": portal, "environment": environment}
        connection.execute(delete(KEYS).where(*(KEYS.c[name] == value for name, value in own.items())))
        connection.execute(insert(KEYS), [{**own, **key_values(record)} for record in records])

    def list_dialects(self, connection: Connection) -> dict[tuple[str, str], str]:
        """What was chosen, by portal and name."""
        rows = connection.execute(self._of(DIALECTS)).mappings()
        return {(row["portal"], row["name"]): row["variant"] for row in rows}

    def save_dialect(self, connection: Connection, portal: str, name: str, variant: str | None) -> None:
        """Write a choice; None takes it back."""
        own = {"workspace": self.workspace, "portal": portal, "name": name}
        connection.execute(
            delete(DIALECTS).where(*(DIALECTS.c[column] == value for column, value in own.items()))
        )
        if variant is not None:
            connection.execute(insert(DIALECTS).values({**own, "variant": variant}))

    def clear(self, connection: Connection, *, games: bool = True) -> None:
        """Forget players, products, orders and chosen dialects of the workspace; its games where asked to."""
        tables = (PLAYERS, PRODUCTS, ORDERS, LISTED_ORDERS, ORDER_EVENTS, DIALECTS)
        for table in (*tables, *([GAMES] if games else [])):
            connection.execute(delete(table).where(table.c.workspace == self.workspace))

    def _of(self, table: Table) -> Select[Any]:
        return select(table).where(table.c.workspace == self.workspace)

    def _games(self) -> Select[Any]:
        return self._of(GAMES)

    def _row(self, connection: Connection, wanted: Select[Any], **keys: str) -> Any:
        return connection.execute(wanted, {"own": self.workspace, **keys}).mappings().first()

    def _first(self, connection: Connection, wanted: Select[Any]) -> Any:
        return connection.execute(wanted).mappings().first()

    def _save(
        self,
        connection: Connection,
        table: Table,
        key: dict[str, str],
        values: dict[str, Any],
        *,
        number: int,
    ) -> bool:
        own = {"workspace": self.workspace, **key}
        here = [table.c[name] == value for name, value in own.items()]
        if connection.execute(update(table).where(*here).values(values)).rowcount:
            return False
        connection.execute(insert(table).values({**own, **values, "number": number}))
        return True

    def _count(self, connection: Connection, record: OrderRecord, *, by: int) -> None:
        """Count the game's list; the first order of a game begins the count under the game's lock."""
        if by == 0:
            return
        place = self._listed(record.portal, record.environment, record.order.game_id)
        counted = update(LISTED_ORDERS).where(*place).values(count=LISTED_ORDERS.c.count + by)
        if connection.execute(counted).rowcount:
            return
        game = self._games().where(GAMES.c.portal == record.portal, GAMES.c.game_id == record.order.game_id)
        if self._first(connection, game.with_for_update()) is None:
            return
        if connection.execute(counted).rowcount == 0:
            row = {
                "workspace": self.workspace,
                "portal": record.portal,
                "environment": record.environment,
                "game_id": record.order.game_id,
                "count": by,
            }
            connection.execute(insert(LISTED_ORDERS).values(row))

    def _listed(self, portal: str, environment: str, game_id: str) -> tuple[ColumnElement[bool], ...]:
        return (
            LISTED_ORDERS.c.workspace == self.workspace,
            LISTED_ORDERS.c.portal == portal,
            LISTED_ORDERS.c.environment == environment,
            LISTED_ORDERS.c.game_id == game_id,
        )
