"""A backend's process for the ledger's kill series: it grants what it is told, and may die at any moment.

`python -m coinslot_testkit.ledger_worker URL` reads one message per line, "pay ID" or "refund ID", does in
one transaction what the ledger says and moves the item, and prints the line again when it is committed: its
acknowledgement.
"""

import sys
from dataclasses import replace

from coinslot_testkit.ledger_facts import PAY, REFUND
from coinslot_verifier import Ledger, open_engine
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, insert

ITEMS = Table(
    "items",
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("order_id", String(255), nullable=False),
    Column("change", Integer, nullable=False),
)
"""What the game gave and took: no constraint, so that a doubled gift would be seen."""


def main() -> None:
    """Work until the input ends."""
    ledger = Ledger(open_engine(sys.argv[1]), portal="jogos", game_id="1220")
    _say("ready")
    for line in sys.stdin:
        kind, order_id = line.split()
        message = replace(PAY if kind == "pay" else REFUND, order_id=order_id)

        def work(connection: Connection, message=message) -> str:
            settlement = ledger.apply(message, connection)
            if settlement.is_change:
                change = 1 if settlement.outcome == "granted" else -1
                row = {"order_id": message.order_id, "change": change}
                connection.execute(insert(ITEMS).values(row))
            return str(settlement.outcome)

        _say(f"{kind} {order_id} {ledger.transact(work)}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
