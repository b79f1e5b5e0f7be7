"""What happened to each order of one workspace, in order; written with the change itself, read by order only.

An event's position is counted per order under the order's own lock, so that reading or writing the history of
one order costs the same however many orders there are.
"""

import json

from sqlalchemy import Connection, func, insert, select

from coinslot_sandbox.store.records import OrderEvent
from coinslot_sandbox.store.tables import ORDER_EVENTS


class OrderEvents:
    """The histories of one workspace's orders."""

    def __init__(self, workspace: str) -> None:
        self.workspace = workspace

    def add(self, connection: Connection, event: OrderEvent) -> None:
        """Write what happened, in the transaction that holds the order."""
        last = select(func.max(ORDER_EVENTS.c.position)).where(
            ORDER_EVENTS.c.workspace == self.workspace, ORDER_EVENTS.c.order_id == event.order_id
        )
        row = {
            "workspace": self.workspace,
            "order_id": event.order_id,
            "position": (connection.scalar(last) or 0) + 1,
            "at_s": event.at_s,
            "schedule_s": event.schedule_s,
            "move": event.move,
            "status_from": event.status_from,
            "status_to": event.status_to,
            "forced": event.forced,
            "cause": event.cause,
            "facts": json.dumps(event.facts),
        }
        connection.execute(insert(ORDER_EVENTS).values(row))

    def list_events(self, connection: Connection, order_id: str) -> list[OrderEvent]:
        """The history of one order, oldest first."""
        wanted = (
            select(ORDER_EVENTS)
            .where(ORDER_EVENTS.c.workspace == self.workspace, ORDER_EVENTS.c.order_id == order_id)
            .order_by(ORDER_EVENTS.c.position)
        )
        return [
            OrderEvent(
                order_id=row["order_id"],
                at_s=row["at_s"],
                schedule_s=row["schedule_s"],
                move=row["move"],
                status_from=row["status_from"],
                status_to=row["status_to"],
                forced=row["forced"],
                cause=row["cause"],
                facts=json.loads(row["facts"]),
            )
            for row in connection.execute(wanted).mappings()
        ]
