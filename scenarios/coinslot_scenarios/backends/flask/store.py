"""The game's own tables: what players hold, and their sessions.

The verifier's ledger lives in the same database, so that an item and its grant are committed together.
"""

import hashlib
import secrets
import time

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    func,
    insert,
    select,
)

SESSION_S = 12 * 3600

METADATA = MetaData()

ITEMS = Table(
    "items",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("user_id", String(255), nullable=False, index=True),
    Column("product_id", String(255), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("order_id", String(255), nullable=False, index=True),
)
"""One row for every movement: +1 when an item is given, -1 when it is taken back."""

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("user_id", String(255), nullable=False),
    Column("expires_at_s", Float(53), nullable=False),
)
"""Our own sessions, by the digest of their secret; a portal's token is exchanged for one and not kept."""


def create_tables(engine: Engine) -> None:
    METADATA.create_all(engine)


def move_item(connection: Connection, *, user_id: str, product_id: str, order_id: str, quantity: int) -> None:
    """Give (+1) or take (-1) one item. Below zero is a debt: the item was spent before its refund."""
    connection.execute(
        insert(ITEMS).values(user_id=user_id, product_id=product_id, order_id=order_id, quantity=quantity)
    )


def list_items(connection: Connection, user_id: str) -> list[dict[str, object]]:
    """What the player holds now."""
    total = func.sum(ITEMS.c.quantity)
    rows = connection.execute(
        select(ITEMS.c.product_id, total.label("qty"))
        .where(ITEMS.c.user_id == user_id)
        .group_by(ITEMS.c.product_id)
        .having(total != 0)
        .order_by(ITEMS.c.product_id)
    )
    return [{"productId": row.product_id, "qty": int(row.qty)} for row in rows]


def open_session(connection: Connection, user_id: str) -> str:
    """A new session of this player; the secret is returned once and never stored."""
    secret = secrets.token_urlsafe(24)
    row = {"digest": _digest(secret), "user_id": user_id, "expires_at_s": time.time() + SESSION_S}
    connection.execute(insert(SESSIONS).values(row))
    return secret


def find_session(connection: Connection, secret: str) -> str | None:
    """The player of an open session; None for anything else."""
    query = select(SESSIONS.c.user_id).where(
        SESSIONS.c.digest == _digest(secret), SESSIONS.c.expires_at_s > time.time()
    )
    return connection.execute(query).scalar_one_or_none()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
