"""The life of an order: the statuses of the client library's PaymentOrder, and which may follow which.

The server's documents know arrivedStatus and refundStatus; the client's words are those of its published
library. A rejected refund (refundStatus 3) has no word there, so this one is ours. An order that was
delivered and is then refunded keeps arrivedStatus 1: only its status moves on.
clauses   jogos:iap.1.fields, jogos:iap.4; sandbox:order-moves, sandbox:refund-moves,
          sandbox:arrived-repeat-ok
"""

from typing import Final

from coinslot_contracts.orders import OrdersPart, OrderStatus

ORDERS: Final = OrdersPart(
    statuses=(
        OrderStatus(name="refunding", says="refundStatus 0", state="paid", refund_statuses=(0,)),
        OrderStatus(name="refunded", says="refundStatus 1, final", state="paid", refund_statuses=(1,)),
        OrderStatus(name="refund-fail", says="refundStatus 2", state="paid", refund_statuses=(2,)),
        OrderStatus(name="rejected", says="refundStatus 3", state="paid", refund_statuses=(3,)),
        OrderStatus(name="delivered", says="paid, and arrivedStatus 1", state="paid", is_arrived=True),
        OrderStatus(name="success", says="paid", state="paid"),
        OrderStatus(name="fail", says="the payment failed", state="failed"),
        OrderStatus(name="cancel", says="the player closed the pay window", state="canceled"),
        OrderStatus(name="expire", says="the pay window was open too long", state="expired"),
        OrderStatus(name="pending", says="the pay window is open"),
    ),
    moves={
        "pay": {"pending": "success"},
        "fail": {"pending": "fail"},
        "cancel": {"pending": "cancel"},
        "expire": {"pending": "expire"},
        "deliver": {
            "success": "delivered",
            "delivered": "delivered",
            "refunding": "refunding",
            "refunded": "refunded",
            "refund-fail": "refund-fail",
            "rejected": "rejected",
        },
        "refund:0": {
            "success": "refunding",
            "delivered": "refunding",
            "refund-fail": "refunding",
            "rejected": "refunding",
        },
        "refund:1": {
            "success": "refunded",
            "delivered": "refunded",
            "refunding": "refunded",
            "refund-fail": "refunded",
            "rejected": "refunded",
        },
        "refund:2": {"success": "refund-fail", "delivered": "refund-fail", "refunding": "refund-fail"},
        "refund:3": {"success": "rejected", "delivered": "rejected", "refunding": "rejected"},
        "unpay": {
            "success": "pending",
            "delivered": "pending",
            "refunding": "pending",
            "refund-fail": "pending",
            "rejected": "pending",
        },
    },
    clause="sandbox:order-moves",
)
