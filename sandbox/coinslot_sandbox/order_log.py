"""Writing what became of an order: the order itself and the record of each move, in the caller's transaction.

The record is durable and says the whole story of the money, whatever becomes of the journal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from coinslot_contracts.domain import NotificationKind
from coinslot_contracts.portal import Portal
from sqlalchemy import Connection

from coinslot_sandbox import orders
from coinslot_sandbox.clock import Now
from coinslot_sandbox.orders import Moved
from coinslot_sandbox.store.order_events import OrderEvents
from coinslot_sandbox.store.records import OrderEvent, OrderRecord
from coinslot_sandbox.store.shop import Shop


class OrderLog:
    """The changes of one workspace's orders.

    clock  the workspace's schedule; `machine` is the machine's clock
    """

    def __init__(self, *, portals: Mapping[str, Portal], shop: Shop, clock: Now, machine: Now) -> None:
        self._portals = portals
        self._shop = shop
        self._clock = clock
        self._machine = machine
        self._events = OrderEvents(shop.workspace)

    def told(self, record: OrderRecord, kind: NotificationKind) -> list[Moved]:
        """The moves by which a genuine hand-made notification of an order becomes true."""
        life = self._portals[record.portal].life
        return orders.told(life, record.order, kind, at_s=int(self._clock.now_s()))

    def write(
        self,
        connection: Connection,
        record: OrderRecord,
        made: Sequence[Moved],
        *,
        cause: str,
        **facts: Any,
    ) -> OrderRecord:
        """Write moves of an order that this transaction holds, and the record of each; the order afterwards.

        cause  name in `vocabulary.ORDER_CAUSES`
        facts  what else belongs to the record
        """
        if not made:
            return record
        forced = record.forced or any(step.forced for step in made)
        told = replace(record, order=made[-1].order, forced=forced)
        self._shop.change_order(connection, record, told)
        for step in made:
            now = replace(told, order=step.order)
            self.note(connection, now, step.move, before=step, cause=cause, **facts)
        return told

    def note(
        self,
        connection: Connection,
        record: OrderRecord,
        move: str,
        *,
        before: Moved | None = None,
        cause: str = "control",
        **facts: Any,
    ) -> None:
        """Record something that happened to an order, which is now as given.

        before  the move, where it was one
        """
        order = record.order
        event = OrderEvent(
            order_id=order.order_id,
            at_s=self._machine.now_s(),
            schedule_s=self._clock.now_s(),
            move=move,
            status_from=None if before is None else before.status_from,
            status_to=self._portals[record.portal].life.status(order),
            forced=before is not None and before.forced,
            cause=cause,
            facts={"refundStatus": order.refund_status, **facts},
        )
        self._events.add(connection, event)
