"""What can be done with an order, as groups of buttons."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coinslot_contracts.portal import Portal
from coinslot_contracts.vocabulary import SIGNATURE_DEFECTS, VERIFY_STATES

from coinslot_sandbox.page.actions import Action, one
from coinslot_sandbox.page.shown import REFUND_WORDS

REFUND_SAYS: Mapping[int, str] = {
    0: "a refund was asked for; refundStatus 0",
    1: "the money is back; the backend is notified and must take back what it granted",
    2: "the refund did not work; nothing may be taken back",
    3: "the refund was turned down; nothing may be taken back",
}
COPIES = (2, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Buttons that belong together; of more than one a menu is made."""

    name: str
    label: str
    actions: tuple[Action, ...]

    @property
    def is_menu(self) -> bool:
        """Whether the buttons hide behind a label."""
        return self.blocked is None and len(self.actions) > 1

    @property
    def blocked(self) -> str | None:
        """Why nothing of it can be done now."""
        reasons = [action.blocked for action in self.actions]
        return reasons[0] if all(reasons) else None


MORE: Mapping[str, str] = {
    "pend": "the player has opened the payment and has not finished it",
    "cancel": "the player cancels the payment",
    "expire": "the payment is not finished in time",
    "deliver": "the goods are reported as delivered",
    "consume": "the game uses the purchase up",
    "chargeback": "the player's bank takes the payment back; nobody is notified",
}
"""Moves of which nobody is notified, where a portal knows them."""


def groups(detail: Any, portal: Portal) -> list[Group]:
    """The groups of one order.

    detail   answer of GET /orders/{id}
    """
    order = detail["order"]
    path = f"/orders/{order['order_id']}"
    more = tuple(
        one(name.capitalize(), "POST", f"{path}/{name}", says=says)
        for name, says in MORE.items()
        if name in order["moves"]
    )
    if _can(order, "pay"):
        found = [_unpaid(path, notifies=portal.notices is not None)]
    else:
        found = [Group(name="refund", label="Refund", actions=_refunds(order, path))]
        found += _tellings(detail) if portal.notices is not None else []
    if portal.purchases is not None:
        found.append(Group(name="verify", label="Verification says", actions=_verdicts(path)))
    return [*found, Group(name="more", label="More", actions=more)] if more else found


def _can(order: Any, move: str) -> bool:
    """Whether a move is legal now."""
    return move in order["moves"]


def _tellings(detail: Any) -> list[Group]:
    order = detail["order"]
    kind = "refund" if order["refundStatus"] == 1 else "pay"
    return [
        Group(name="resend", label="Resend", actions=(_resend(detail),)),
        Group(name="again", label="Duplicate", actions=_duplicates(order, kind)),
        Group(name="break", label="Break signature", actions=_defects(order, kind)),
    ]


def _unpaid(path: str, *, notifies: bool) -> Group:
    pay = one("Pay", "POST", f"{path}/pay", says="paid, and the backend is notified", tone="main")
    silent = one(
        "Pay without notifying",
        "POST",
        f"{path}/pay",
        {"callback": "lost"},
        says="paid, but the notification is kept back",
    )
    fail = one("Fail", "POST", f"{path}/fail", says="the payment fails", tone="risky")
    return Group(name="pay", label="Pay", actions=(pay, silent, fail) if notifies else (pay, fail))


def _refunds(order: Any, path: str) -> tuple[Action, ...]:
    return tuple(
        one(
            word.capitalize(),
            "POST",
            f"{path}/refund",
            {"refundStatus": status},
            says=REFUND_SAYS[status],
            blocked=None if _can(order, f"refund:{status}") else _why_no_refund(order),
            tone="main" if status == 1 else "",
        )
        for status, word in sorted(REFUND_WORDS.items(), key=lambda pair: (pair[0] != 1, pair[0]))
    )


def _why_no_refund(order: Any) -> str:
    if order["state"] != "paid":
        return f"only a paid order can be refunded; this one is {order['state']}"
    if order["refundStatus"] == 1:
        return "it is refunded, and that is final"
    return "it cannot come to that from where it is"


def _resend(detail: Any) -> Action:
    sendable = [delivery for delivery in detail["deliveries"] if delivery["url"] is not None]
    if not sendable:
        return one("Resend", "POST", "/deliveries/none/resend", blocked="it has no notification yet")
    newest = sendable[-1]
    return one(
        f"Resend {newest['kind']}",
        "POST",
        f"/deliveries/{newest['delivery_id']}/resend",
        says=f"the same bytes and signature of the {newest['kind']} notification once more",
    )


def _duplicates(order: Any, kind: str) -> tuple[Action, ...]:
    return tuple(
        one(
            f"×{copies} at once",
            "POST",
            "/callbacks",
            {"order": order["order_id"], "type": kind, "copies": copies, "at_once": True},
            says=f"{copies} {kind} notifications whose last bytes leave at one moment",
            blocked=None if order["state"] == "paid" else "it was never paid, so there is nothing to tell",
        )
        for copies in COPIES
    )


def _defects(order: Any, kind: str) -> tuple[Action, ...]:
    return tuple(
        one(
            name.replace("_", " "),
            "POST",
            "/callbacks",
            {"order": order["order_id"], "type": kind, "signature": name},
            says=says,
        )
        for name, says in SIGNATURE_DEFECTS.items()
        if name != "valid"
    )


def _verdicts(path: str) -> tuple[Action, ...]:
    return tuple(
        one(name.replace("_", " "), "POST", f"{path}/change", {"verify": name}, says=says)
        for name, says in VERIFY_STATES.items()
    )
