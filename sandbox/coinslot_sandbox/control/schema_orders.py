"""What control calls about orders may say: hand-written parse functions, one per body."""

from collections.abc import Mapping
from typing import Any, Final

from coinslot_contracts.vocabulary import CALLBACK_MODES, VERIFY_STATES

from coinslot_sandbox import orders
from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.reading import Members, invalid
from coinslot_sandbox.control.schema import ID_CHARS_MAX
from coinslot_sandbox.order_wishes import MoveWish, OrderWish
from coinslot_sandbox.orders import Change, Times

TIME_S_MAX: Final = 2**53
"""Times may be odd on purpose: milliseconds, 0, before 1970; they only have to survive JSON."""
TIMES: Final = ("created_at_s", "paid_at_s", "refunded_at_s")


def parse_order(body: Mapping[str, Any], context: Context) -> OrderWish:
    """POST /orders."""
    known = (
        "player",
        "product",
        "portal",
        "environment",
        "game",
        "order_id",
        "external_id",
        "paid",
        "callback",
        "arrivedStatus",
        "refundStatus",
        "verify",
        "force",
        *TIMES,
    )
    members = Members(body, known=known)
    portal = context.portal(members, context.with_orders)
    _check_belongs(members, context, portal)
    paid, force = members.flag("paid") or False, members.flag("force") or False
    refund_status = members.integer("refundStatus", least=0, most=3)
    if refund_status is not None and not paid and not force:
        raise invalid(
            "refundStatus",
            "left out where paid is not true: only a paid order can be refunded, unless forced",
        )
    return OrderWish(
        portal=portal,
        environment=context.environment(members, portal),
        user_id=members.required_decimal_id("player"),
        product_id=members.required_text("product", chars_max=ID_CHARS_MAX),
        game_id=members.decimal_id("game"),
        order_id=_order_id(members),
        external_id=members.text("external_id"),
        paid=paid,
        callback=members.choice("callback", CALLBACK_MODES),
        arrived_status=members.integer("arrivedStatus", least=0, most=1) or 0,
        refund_status=refund_status,
        verify=members.choice("verify", VERIFY_STATES),
        times=_times(members, *TIMES),
        force=force,
    )


def _check_belongs(members: Members, context: Context, portal: str) -> None:
    """Refuse what an order of this portal does not have, rather than ignore it."""
    if members.any("game") is not None and portal not in context.with_callbacks:
        raise members.wrong("game", f"left out: {portal} has no games")
    if members.any("verify") is not None and portal not in context.with_purchases:
        raise members.wrong("verify", f"left out: {portal} verifies no purchases")


def _order_id(members: Members) -> str | None:
    """An order id of one's own; it becomes part of paths, so it holds nothing that a path is made of."""
    order_id = members.text("order_id", chars_max=ID_CHARS_MAX)
    if order_id is not None and (order_id in {".", ".."} or any(mark in order_id for mark in "/\\%?# ")):
        raise members.wrong("order_id", "free of slashes, percent and question marks, hashes and spaces")
    return order_id


def _times(members: Members, *names: str) -> Times:
    return Times(**{name: members.integer(name, least=-TIME_S_MAX, most=TIME_S_MAX) for name in names})


def parse_pay(body: Mapping[str, Any]) -> MoveWish:
    """POST /orders/{id}/pay."""
    members = Members(body, known=("callback", "force", "paid_at_s"))
    return MoveWish(
        move="pay",
        callback=members.choice("callback", CALLBACK_MODES),
        force=members.flag("force") or False,
        times=_times(members, "paid_at_s"),
    )


def parse_refund(body: Mapping[str, Any]) -> MoveWish:
    """POST /orders/{id}/refund."""
    members = Members(body, known=("refundStatus", "callback", "force", "refunded_at_s"))
    status = members.integer("refundStatus", least=0, most=3)
    if status is None:
        raise members.missing("refundStatus")
    return MoveWish(
        move=orders.refund_move(status),
        callback=members.choice("callback", CALLBACK_MODES),
        force=members.flag("force") or False,
        times=_times(members, "refunded_at_s"),
    )


def parse_move(body: Mapping[str, Any], move: str) -> MoveWish:
    """POST /orders/{id}/fail and its like, of which nobody is notified."""
    return MoveWish(move=move, force=Members(body, known=("force",)).flag("force") or False)


def parse_change(body: Mapping[str, Any]) -> Change:
    """POST /orders/{id}/change; a null `verify` takes it back to what the other facts imply."""
    members = Members(body, known=("paid", "verify", "refundStatus", "arrivedStatus", "force", *TIMES))
    verify = members.choice("verify", VERIFY_STATES)
    change = Change(
        paid=members.flag("paid"),
        verify="" if members.is_null("verify") else verify,
        refund_status=members.integer("refundStatus", least=0, most=3),
        arrived_status=members.integer("arrivedStatus", least=0, most=1),
        times=_times(members, *TIMES),
        force=members.flag("force") or False,
    )
    if change.overrides and not change.force:
        given = [name for name in ("arrivedStatus", *TIMES) if members.any(name) is not None]
        raise members.wrong(given[0], "left out unless force is true: no move of a portal sets it")
    return change


def parse_archive(body: Mapping[str, Any]) -> list[str]:
    """POST /orders/archive: the order ids."""
    members = Members(body, known=("orders",))
    order_ids = members.texts("orders")
    if order_ids is None:
        raise members.missing("orders")
    return list(dict.fromkeys(order_ids))
