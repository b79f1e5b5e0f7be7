"""The life of an order at each portal, written down once more: by hand, and not from the contracts' tables.

A test that read the same table as the code would agree with whatever it says.
"""

from dataclasses import dataclass
from typing import Any

from coinslot_testkit.sandbox_client import Reply, SandboxClient

Moves = dict[str, str]
REFUNDS = {"refund:0": 0, "refund:1": 1, "refund:2": 2, "refund:3": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One portal's orders.

    recipes  status -> the calls that lead a new order there
    legal    status -> the legal moves and where they lead
    forced   move -> where it leads when it is forced; None leaves the order where it is
    keeps    status -> the moves that do not lead out of it even when forced
    paid     the statuses in which the money is with the portal
    """

    portal: str
    recipes: dict[str, tuple[str, ...]]
    legal: dict[str, Moves]
    forced: dict[str, str | None]
    keeps: dict[str, tuple[str, ...]]
    paid: tuple[str, ...]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every status with every move."""
        return [(status, move) for status in self.recipes for move in self.forced]

    def forced_to(self, status: str, move: str) -> str:
        """Where a forced move leads from a status; one that is legal anyway leads where it always does."""
        if move in self.legal[status]:
            return self.legal[status][move]
        if move in self.keeps.get(status, ()):
            return status
        return self.forced[move] or status


def _back(refunding: str, refunded: str, failed: str, rejected: str) -> dict[str, Moves]:
    """The four refund statuses and what may follow each of them."""
    again = {"refund:0": refunding, "refund:1": refunded}
    return {
        refunding: {"refund:1": refunded, "refund:2": failed, "refund:3": rejected},
        refunded: {},
        failed: again,
        rejected: again,
    }


def _jogos() -> Life:
    refunds = {"refund:0": "refunding", "refund:1": "refunded", "refund:2": "refund-fail"}
    refunds["refund:3"] = "rejected"
    ends = {"pay": "success", "fail": "fail", "cancel": "cancel", "expire": "expire"}
    legal: dict[str, Moves] = {"pending": ends, "fail": {}, "cancel": {}, "expire": {}}
    legal["success"] = {**refunds, "deliver": "delivered", "unpay": "pending"}
    legal["delivered"] = {**refunds, "deliver": "delivered", "unpay": "pending"}
    for status, moves in _back("refunding", "refunded", "refund-fail", "rejected").items():
        taken_back = {} if status == "refunded" else {"unpay": "pending"}
        legal[status] = {**moves, **taken_back, "deliver": status}
    backs = ("delivered", "refunding", "refunded", "refund-fail", "rejected")
    return Life(
        portal="jogos",
        recipes={
            "pending": (),
            "success": ("pay",),
            "delivered": ("pay", "deliver"),
            "fail": ("fail",),
            "cancel": ("cancel",),
            "expire": ("expire",),
            "refunding": ("pay", "refund:0"),
            "refunded": ("pay", "refund:1"),
            "refund-fail": ("pay", "refund:2"),
            "rejected": ("pay", "refund:3"),
        },
        legal=legal,
        forced={**ends, **refunds, "deliver": None, "unpay": "pending"},
        keeps=dict.fromkeys(backs, ("pay",)),
        paid=("success", *backs),
    )


def _playgama() -> Life:
    refunds = {"refund:0": "refunding", "refund:1": "refunded", "refund:2": "refund-failed"}
    refunds["refund:3"] = "refund-rejected"
    ends = {"pay": "paid", "fail": "failed", "cancel": "canceled"}
    gone = {"chargeback": "charged-back", "unpay": "created"}
    legal: dict[str, Moves] = {"created": {**ends, "pend": "pending"}, "pending": ends}
    legal |= {"failed": {}, "canceled": {}, "charged-back": {}}
    legal["paid"] = {**refunds, **gone, "consume": "consumed"}
    legal["consumed"] = {**refunds, **gone}
    for status, moves in _back("refunding", "refunded", "refund-failed", "refund-rejected").items():
        legal[status] = {**moves, **({} if status == "refunded" else gone)}
    backs = ("consumed", "refunding", "refunded", "refund-failed", "refund-rejected")
    return Life(
        portal="playgama",
        recipes={
            "created": (),
            "pending": ("pend",),
            "paid": ("pay",),
            "consumed": ("pay", "consume"),
            "failed": ("fail",),
            "canceled": ("cancel",),
            "refunding": ("pay", "refund:0"),
            "refunded": ("pay", "refund:1"),
            "refund-failed": ("pay", "refund:2"),
            "refund-rejected": ("pay", "refund:3"),
            "charged-back": ("pay", "chargeback"),
        },
        legal=legal,
        forced={**ends, **refunds, **gone, "pend": "pending", "consume": None},
        keeps={**dict.fromkeys(backs, ("pay",)), "charged-back": ("pay", *refunds)},
        paid=("paid", *backs, "charged-back"),
    )


LIVES = {life.portal: life for life in (_jogos(), _playgama())}


def make(client: SandboxClient, order_id: str, move: str, **body: Any) -> Reply:
    """Make a move over the control API; nobody is notified unless the call says so."""
    if move in REFUNDS:
        name, body = "refund", {"refundStatus": REFUNDS[move], **body}
    elif move == "unpay":
        name, body = "change", {"paid": False, **body}
    else:
        name = move
    if move == "pay" or move in REFUNDS:
        body = {"callback": "manual", **body}
    return client.control("POST", f"/orders/{order_id}/{name}", body)


def order_in(client: SandboxClient, life: Life, status: str, **wish: Any) -> str:
    """A new order that has come to a status; the wish names its player and product."""
    step = client.done("POST", "/orders", {"portal": life.portal, **wish})
    order_id = str(step["order"]["order_id"])
    for move in life.recipes[status]:
        reply = make(client, order_id, move)
        assert reply.status == 200, (status, move, reply.body)
    return order_id
