"""The life of an order: created, pending, paid, consumed, and the ways in which the money goes back.

The document knows paid and charged-back purchases (section 4); the rest is what the published bridge shows of
purchases, and is an assumption. A refund that is under way, failed or was rejected leaves a purchase paid.
clauses   playgama:4; sandbox:order-moves, sandbox:refund-moves, sandbox:chargeback-without-callback
"""

from typing import Final

from coinslot_contracts.orders import OrdersPart, OrderStatus

ORDERS: Final = OrdersPart(
    statuses=(
        OrderStatus(name="charged-back", says="the bank took the payment back", is_charged_back=True),
        OrderStatus(name="refunding", says="a refund is under way", state="paid", refund_statuses=(0,)),
        OrderStatus(name="refunded", says="the money went back", state="paid", refund_statuses=(1,)),
        OrderStatus(name="refund-failed", says="a refund failed", state="paid", refund_statuses=(2,)),
        OrderStatus(name="refund-rejected", says="a refund was rejected", state="paid", refund_statuses=(3,)),
        OrderStatus(name="consumed", says="paid, and used up by the game", state="paid", is_consumed=True),
        OrderStatus(name="paid", says="paid, and not consumed yet", state="paid"),
        OrderStatus(name="pending", says="the payment is under way", state="pending"),
        OrderStatus(name="failed", says="the payment failed", state="failed"),
        OrderStatus(name="canceled", says="the player canceled it", state="canceled"),
        OrderStatus(name="created", says="nothing was paid yet"),
    ),
    moves={
        "pend": {"created": "pending"},
        "pay": {"created": "paid", "pending": "paid"},
        "fail": {"created": "failed", "pending": "failed"},
        "cancel": {"created": "canceled", "pending": "canceled"},
        "consume": {"paid": "consumed"},
        "refund:0": {
            "paid": "refunding",
            "consumed": "refunding",
            "refund-failed": "refunding",
            "refund-rejected": "refunding",
        },
        "refund:1": {
            "paid": "refunded",
            "consumed": "refunded",
            "refunding": "refunded",
            "refund-failed": "refunded",
            "refund-rejected": "refunded",
        },
        "refund:2": {"paid": "refund-failed", "consumed": "refund-failed", "refunding": "refund-failed"},
        "refund:3": {
            "paid": "refund-rejected",
            "consumed": "refund-rejected",
            "refunding": "refund-rejected",
        },
        "chargeback": {
            "paid": "charged-back",
            "consumed": "charged-back",
            "refunding": "charged-back",
            "refund-failed": "charged-back",
            "refund-rejected": "charged-back",
        },
        "unpay": {
            "paid": "created",
            "consumed": "created",
            "refunding": "created",
            "refund-failed": "created",
            "refund-rejected": "created",
        },
    },
    clause="sandbox:order-moves",
)
