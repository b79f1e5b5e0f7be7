"""Make docs/ledger.md: the ledger's tables for both databases, and how to write to them from any language.

`python tools/make_ledger_page.py` writes the page; a test compares it and runs its SQL. The tables come from the
verifier's own metadata, so nothing is typed twice; the recipe's statements stand here once for all languages.
"""

# ruff: noqa: E501 - the lines are the page's

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from coinslot_verifier.ledger_store import METADATA
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

PAGE = Path(__file__).resolve().parent.parent / "docs/ledger.md"
DIALECTS: Final = {"SQLite": sqlite.dialect, "PostgreSQL": postgresql.dialect}

DECIDE = """INSERT INTO coinslot_orders (portal, game_id, order_id, decided)
VALUES (:portal, :game_id, :order_id, :decided) ON CONFLICT DO NOTHING"""
DECIDED = """SELECT decided FROM coinslot_orders
WHERE portal = :portal AND game_id = :game_id AND order_id = :order_id"""
GRANT = """INSERT INTO coinslot_grants (portal, game_id, order_id, user_id, product_id, granted_at_s, flagged)
VALUES (:portal, :game_id, :order_id, :user_id, :product_id, :now_s, FALSE)"""
OUTBOX = """INSERT INTO coinslot_outbox (portal, game_id, order_id, attempts, due_at_s)
VALUES (:portal, :game_id, :order_id, 0, :now_s)"""
REVOKE = """INSERT INTO coinslot_revocations (portal, game_id, order_id, revoked_at_s)
VALUES (:portal, :game_id, :order_id, :now_s) ON CONFLICT DO NOTHING"""
OWNER = """SELECT user_id, product_id FROM coinslot_grants
WHERE portal = :portal AND game_id = :game_id AND order_id = :order_id"""
CLAIM = """WITH due AS (
    SELECT portal, game_id, order_id FROM coinslot_outbox AS pending
    WHERE portal = :portal AND game_id = :game_id AND confirmed_at_s IS NULL AND due_at_s <= :now_s
    AND NOT EXISTS (
        SELECT 1 FROM coinslot_revocations AS refund
        WHERE (refund.portal, refund.game_id, refund.order_id)
            = (pending.portal, pending.game_id, pending.order_id))
    ORDER BY attempts, due_at_s, order_id LIMIT 10 FOR UPDATE SKIP LOCKED)
UPDATE coinslot_outbox AS claimed SET due_at_s = :now_s + 120 FROM due
WHERE (claimed.portal, claimed.game_id, claimed.order_id) = (due.portal, due.game_id, due.order_id)
RETURNING claimed.order_id, claimed.attempts"""
STATEMENTS: Final = {
    "decide": DECIDE,
    "decided": DECIDED,
    "grant": GRANT,
    "outbox": OUTBOX,
    "revoke": REVOKE,
    "owner": OWNER,
}

HEAD = """# The ledger, in a database of your own

`coinslot_verifier.Ledger` keeps these tables and this recipe by itself, on SQLite and PostgreSQL. This page is for
teams that write to them from another language, or want to read what is in them. It is made by `make docs` from the
code. Do not edit it.

What must never happen is forbidden by the tables, not by the code above them:

| rule | constraint |
|---|---|
| an order is granted once | primary key of `coinslot_grants` |
| a refund takes back once | primary key of `coinslot_revocations` |
| nothing is granted after a refund that came first | `coinslot_orders.decided` is written once, by whoever adds the row; a grant refers to a row that says `granted` |
| only what was granted is confirmed to the portal | `coinslot_outbox` refers to `coinslot_grants` |

Times are seconds since 1970. Order ids are compared exactly, upper and lower case are two orders. On SQLite every
connection needs `PRAGMA foreign_keys = ON`, and a transaction that writes begins with `BEGIN IMMEDIATE`. On
PostgreSQL any isolation level will do; above read committed, and after a deadlock, repeat a transaction that failed
with state 40001 or 40P01 from its beginning.
"""

RECIPE = """## The recipe

One transaction for each notification, and the item moves inside it. `effect` is what the verifier (or the sidecar's
answer) says of a notification: a refund with refundStatus 1 is `revoke` even where the portal calls it a payment.

| effect | statements, in this order |
|---|---|
| `grant` | **decide** with `granted`. One row added: **grant**, **outbox**, give the item. None added: it was granted or refunded before; give nothing. |
| `revoke` | **decide** with `refunded`. One row added: **revoke**, take nothing; a payment that comes later grants nothing. None added: where **decided** says `granted`, **revoke**; one row added there: take the item from **owner**. |
| `nothing` | none |

Answer the portal after the commit. `game_id` is `''` where the portal names no games. Leave **outbox** out for
portals that take no reports.
"""

TAIL = """## The same in three languages

Python, without SQLAlchemy (psycopg 3; the statements with `%(name)s` for `:name`):

```python
with psycopg.connect(url) as connection:  # commits at the end of the block, rolls back on an exception
    if connection.execute(DECIDE, {**row, "decided": "granted"}).rowcount == 1:
        connection.execute(GRANT, row)
        connection.execute(OUTBOX, row)
        give_item(connection, row)
```

Node (pg; the statements with `$1`, `$2`, …):

```js
await client.query('BEGIN');
try {
  const decided = await client.query(DECIDE, [portal, gameId, orderId, 'granted']);
  if (decided.rowCount === 1) {
    await client.query(GRANT, [portal, gameId, orderId, userId, productId, nowS]);
    await client.query(OUTBOX, [portal, gameId, orderId, nowS]);
    await giveItem(client, userId, productId);
  }
  await client.query('COMMIT');
} catch (error) {
  await client.query('ROLLBACK');
  throw error;
}
```

Java (JDBC; the statements with `?`; `run` binds its arguments and returns `executeUpdate()`):

```java
connection.setAutoCommit(false);
try {
    if (run(connection, DECIDE, portal, gameId, orderId, "granted") == 1) {
        run(connection, GRANT, portal, gameId, orderId, userId, productId, nowS);
        run(connection, OUTBOX, portal, gameId, orderId, nowS);
        giveItem(connection, userId, productId);
    }
    connection.commit();
} catch (SQLException | RuntimeException error) {
    connection.rollback();
    throw error;
}
```

## The jobs

`run_outbox(ledger, client)` tells the portal what is pending, `run_reconcile(ledger, client, on_change=…)` reads its
list of paid orders, `run_recheck(ledger, verifier, on_change=…)` asks again about purchases of portals that tell
nobody of a refund. Call each from a timer, in as many processes as there are: what one claims, no other asks about,
and what a dead one had claimed comes back when its lease ends. `run_reconcile` raises nothing for a portal or a database
that fails on the way: its answer has what was changed until then, and the `error`.

An order that was revoked is reported no more, and orders that were asked about least come first, so that those which a
portal never acknowledges hold up no other. A claim is a date in `due_at_s`. In SQL, for an outbox of your own on PostgreSQL:

```sql
{claim}
```

It claims for one game at one portal, because a report is signed with that game's key; several games in one database
are claimed for one after the other. The rows are chosen in a part of their own, which the server evaluates once: as a
subquery it may be evaluated anew for each row, and more than ten are claimed.

`on_change` and the work of `Ledger.transact` may be called again from the beginning when the database asks for it, so
they do nothing but what the transaction can undo.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")


def page() -> str:
    """The whole page."""
    tables = "\n".join(f"## Tables on {name}\n\n```sql\n{ddl(name)}\n```\n" for name in DIALECTS)
    statements = "\n".join(f"**{name}**\n\n```sql\n{sql}\n```\n" for name, sql in STATEMENTS.items())
    tail = TAIL.replace("{claim}", CLAIM)
    return f"{HEAD}\n{RECIPE}\n{statements}\n{tail}\n{tables}"


def ddl(database: str) -> str:
    """Every statement that makes the tables and their indexes, in an order that works."""
    return "\n\n".join(f"{statement};" for statement in _statements(database))


def _statements(database: str) -> Iterator[str]:
    dialect = DIALECTS[database]()
    for table in METADATA.sorted_tables:
        made = str(CreateTable(table).compile(dialect=dialect)).strip().replace("\t", "    ")
        yield "\n".join(line.rstrip() for line in made.splitlines())
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(CreateIndex(index).compile(dialect=dialect))


if __name__ == "__main__":
    main()
