"""The tables, for SQLite and PostgreSQL alike.

Every row belongs to a workspace, and no id is unique beyond it: several tenants live in one store. Times of
orders are whole seconds as the documents have them; times of attempts are floats. Bodies are bytes.
`deliveries.next_at_s` is a moment of the workspace's schedule, `due_s` the same moment on the machine's
clock, or NULL while nothing is sent by itself (the schedule stands still, the delivery is held).
`orders.listed` is 1 for what a portal's list of paid orders shows, so that a page reads one index;
`listed_orders` counts them, so that their number costs one row.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

SCHEMA_VERSION = 3

METADATA = MetaData()

META = Table(
    "meta",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

SEQUENCES = Table(
    "sequences",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("next_number", BigInteger, nullable=False),
)

WORKSPACES = Table(
    "workspaces",
    METADATA,
    Column("workspace", String(64), primary_key=True),
    Column("seed", BigInteger, nullable=False),
    Column("created_at_s", Float, nullable=False),
    Column("ends_at_s", Float),
    Column("frozen_at_s", Float),
    Column("schedule_offset_s", Float, nullable=False),
    Column("claims_offset_s", Float, nullable=False),
)

KEYS = Table(
    "keys",
    METADATA,
    Column("workspace", String(64), primary_key=True),
    Column("portal", String(64), primary_key=True),
    Column("environment", String(32), primary_key=True),
    Column("kid", String(64), primary_key=True),
    Column("shown_kid", String(64)),
    Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("algorithm", String(16), nullable=False),
    Column("material", Text, nullable=False),
    Column("signs", Boolean, nullable=False),
    Column("published", Boolean, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("is_extra", Boolean, nullable=False),
    Column("publish_at_s", Float),
)

DIALECTS = Table(
    "dialects",
    METADATA,
    Column("workspace", String(64), primary_key=True),
    Column("portal", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("variant", String(64), nullable=False),
)

GAMES = Table(
    "games",
    METADATA,
    Column("workspace", String(64), primary_key=True),
    Column("portal", String(64), primary_key=True),
    Column("game_id", String(64), primary_key=True),
    Column("shared_key", Text),
    Column("callback_url", Text),
    Column("iap_enabled", Boolean, nullable=False),
    Column("retry", Text, nullable=False),
    Column("timeout_s", Float, nullable=False),
    Column("environments", Text, nullable=False),
    Column("ack_rule", String(16), nullable=False),
    Column("terminal_codes", Text, nullable=False),
    Column("previous_key", Text),
    Column("is_default", Boolean, nullable=False),
)
Index("games_by_id", GAMES.c.game_id)

LISTED_ORDERS = Table(
    "listed_orders",
    METADATA,
    Column("workspace", String(64), primary_key=True),
    Column("portal", String(64), primary_key=True),
    Column("environment", String(32), primary_key=True),
    Column("game_id", String(64), primary_key=True),
    Column("count", BigInteger, nullable=False),
)

PLAYERS = Table(
    "players",
    METADATA,
    Column("workspace", String(64), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("username", Text, nullable=False),
    Column("picture_url", Text, nullable=False),
)

PRODUCTS = Table(
    "products",
    METADATA,
    Column("workspace", String(64), primary_key=True),
    Column("product_id", String(255), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("price", BigInteger, nullable=False),
)

ORDERS = Table(
    "orders",
    METADATA,
    Column("order_id", String(255), primary_key=True),
    Column("workspace", String(64), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("portal", String(64), nullable=False),
    Column("environment", String(32), nullable=False),
    Column("game_id", String(64), nullable=False),
    Column("user_id", String(64), nullable=False),
    Column("product_id", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("arrived_status", Integer, nullable=False),
    Column("refund_status", Integer),
    Column("external_id", Text),
    Column("verify", String(16)),
    Column("created_at_s", BigInteger, nullable=False),
    Column("paid_at_s", BigInteger),
    Column("refunded_at_s", BigInteger),
    Column("consumed", Boolean, nullable=False),
    Column("charged_back", Boolean, nullable=False),
    Column("forced", Boolean, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("listed", Integer, nullable=False),
)
Index(
    "orders_listed",
    ORDERS.c.workspace,
    ORDERS.c.portal,
    ORDERS.c.environment,
    ORDERS.c.game_id,
    ORDERS.c.listed,
    ORDERS.c.paid_at_s.desc(),
    ORDERS.c.order_id,
)
Index("orders_by_number", ORDERS.c.workspace, ORDERS.c.number)
Index("orders_by_player", ORDERS.c.workspace, ORDERS.c.user_id, ORDERS.c.number)

ORDER_EVENTS = Table(
    "order_events",
    METADATA,
    Column("workspace", String(64), primary_key=True),
    Column("order_id", String(255), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("at_s", Float, nullable=False),
    Column("schedule_s", Float, nullable=False),
    Column("move", String(16), nullable=False),
    Column("status_from", String(32)),
    Column("status_to", String(32), nullable=False),
    Column("forced", Boolean, nullable=False),
    Column("cause", String(16), nullable=False),
    Column("facts", Text, nullable=False),
)

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("delivery_id", String(64), primary_key=True),
    Column("workspace", String(64), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("portal", String(64), nullable=False),
    Column("game_id", String(64), nullable=False),
    Column("order_id", String(255), nullable=False),
    Column("user_id", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("url", Text),
    Column("mode", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("headers", Text, nullable=False),
    Column("signature", Text),
    Column("retry", Text, nullable=False),
    Column("timeout_s", Float, nullable=False),
    Column("ack_rule", String(16), nullable=False),
    Column("terminal_codes", Text, nullable=False),
    Column("cause", String(16), nullable=False),
    Column("waits_for", String(16)),
    Column("fault_id", String(64)),
    Column("attempts_made", Integer, nullable=False),
    Column("scheduled_made", Integer, nullable=False),
    Column("next_at_s", Float),
    Column("due_s", Float),
    Column("held", Boolean, nullable=False),
    Column("lease_until_s", Float),
    Column("created_at_s", Float, nullable=False),
)
Index("deliveries_due", DELIVERIES.c.state, DELIVERIES.c.mode, DELIVERIES.c.due_s)
Index("deliveries_by_order", DELIVERIES.c.order_id, DELIVERIES.c.workspace, DELIVERIES.c.number)
Index("deliveries_next", DELIVERIES.c.workspace, DELIVERIES.c.state, DELIVERIES.c.next_at_s)
Index("deliveries_by_number", DELIVERIES.c.workspace, DELIVERIES.c.number)

Index("deliveries_waiting", DELIVERIES.c.workspace, DELIVERIES.c.waits_for)

HOLDS = Table(
    "holds",
    METADATA,
    Column("workspace", String(64), primary_key=True),
    Column("order_id", String(255), primary_key=True),
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("delivery_id", String(64), primary_key=True),
    Column("workspace", String(64), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("at_s", Float, nullable=False),
    Column("record", Text, nullable=False),
)

JOURNAL = Table(
    "journal",
    METADATA,
    Column("workspace", String(64), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("dir", String(8), nullable=False),
    Column("endpoint", String(255)),
    Column("order_id", String(255)),
    Column("user_id", String(255)),
    Column("size_bytes", BigInteger, nullable=False),
    Column("entry", Text, nullable=False),
)
Index("journal_by_order", JOURNAL.c.workspace, JOURNAL.c.order_id, JOURNAL.c.seq)

JOURNAL_STATES = Table(
    "journal_states",
    METADATA,
    Column("workspace", String(64), primary_key=True),
    Column("next_seq", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("gaps", Text, nullable=False),
)
