"""What each call of the sidecar does: read its members, ask the verifier, tell what it said.

A view takes a Call and returns status and JSON; whatever is not done is raised. It never judges anything
itself.

Who owns the items decides how often one is given. With the sidecar's ledger as the inventory (`items`), a
grant is one transaction and nothing else is needed. With items in the backend's own database there are two
transactions, and a crash between them loses or repeats an item unless the backend puts the order id under a
unique constraint of its own and gives the item on `granted` and on `already-granted` alike, where its own
row is not there yet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from coinslot_contracts.domain import Notification, Purchase
from coinslot_contracts.errors import CoinslotError, ConfirmUnavailable, ExternalIdMismatch, LedgerUnavailable
from coinslot_contracts.wire import WireReply

from coinslot_verifier.confirm import PortalClient
from coinslot_verifier.purchase import PurchaseVerifier
from coinslot_verifier.sidecar.jobs import RUN_S_MAX, listed_orders, reconcile, run_outbox
from coinslot_verifier.sidecar.problems import Problem, problem_of
from coinslot_verifier.sidecar.reading import Call, an_id
from coinslot_verifier.sidecar.shapes import (
    identity_shape,
    intent_shape,
    notification_shape,
    order_shape,
    reply_shape,
    settlement_shape,
)

if TYPE_CHECKING:
    from coinslot_verifier.ledger import Ledger

ORDERS_DEFAULT: Final = 1_000
ORDERS_MAX: Final = 10_000
LISTED_MAX: Final = 2_000_000
OUTBOX_MAX: Final = 100
DAY_S: Final = 86_400

Reply = tuple[int, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call there is.

    path    below /v1/{portal}
    name    as metrics, logs and the OpenAPI document have it
    needs   members of PortalServices without which it cannot be done
    """

    method: str
    path: str
    name: str
    handle: Callable[[Call], Reply]
    needs: tuple[str, ...] = ()


def identity(call: Call) -> Reply:
    """Whom a user token speaks of."""
    verifier = call.portal.identity
    assert verifier is not None
    return 200, identity_shape(verifier.verify(call.body.get("token")))


def notification(call: Call) -> Reply:
    """What a notification proves, what it did to the ledger, and the answer to send to the portal.

    The problem of a refusal holds that answer too, as `reply`: send it whatever happens.
    """
    notices = call.portal.notices
    assert notices is not None
    sent, body = call.signature(), call.raw_body()
    applies = call.flag("apply", default=call.portal.ledger is not None)
    products = call.products()
    try:
        fact = notices.verify(sent, body)
        call.noted.order_id = fact.order_id
        _check_sold(fact, products)
        settled = settle(call, fact) if applies else None
    except CoinslotError as error:
        raise problem_of(error, more={"reply": reply_shape(notices.reply_for(error))}) from None
    except Problem as problem:
        problem.more["reply"] = reply_shape(_later(call))
        raise
    return 200, {
        "notification": notification_shape(fact),
        "outcome": None if settled is None else settled["outcome"],
        "settlement": settled,
        "reply": reply_shape(notices.accepted()),
    }


def apply(call: Call) -> Reply:
    """Do what a notification says that this sidecar verified before, called with `apply: false`."""
    fact = call.notification()
    call.noted.order_id = fact.order_id
    return 200, settle(call, fact)


def settle(call: Call, fact: Notification) -> dict[str, Any]:
    """Grant or revoke; the settlement's JSON."""
    from coinslot_verifier.ledger_trouble import ledger_trouble

    ledger = call.portal.ledger
    if ledger is None:
        raise no_ledger()
    with ledger_trouble():
        settlement = ledger.apply(fact)
    call.noted.outcome = str(settlement.outcome)
    return settlement_shape(settlement)


def _check_sold(fact: Notification, products: frozenset[str] | None) -> None:
    """An order of what is not sold is not acknowledged, so the portal asks again until somebody sells it."""
    if fact.effect == "grant" and products is not None and fact.product_id not in products:
        raise Problem(
            "product-unknown",
            "the payment is for a product that `products` does not list",
        )


def _later(call: Call) -> WireReply:
    """The portal's own form of: not taken, ask again."""
    notices = call.portal.notices
    assert notices is not None
    return notices.reply_for(ConfirmUnavailable("not taken"))


def open_intent(call: Call) -> Reply:
    """The external id under which a logged-in player may buy one product."""
    intents = call.portal.intents
    assert intents is not None
    external_id = intents.open(call.text("user_id"), call.text("product_id"))
    found = intents.find(external_id)
    assert found is not None
    return 201, intent_shape(found)


def find_intent(call: Call) -> Reply:
    """What an external id stands for."""
    intents = call.portal.intents
    assert intents is not None
    found = intents.find(call.args["external_id"])
    if found is None:
        raise Problem("intent-unknown", "nobody opened such a purchase here")
    return 200, intent_shape(found)


def purchase(call: Call) -> Reply:
    """Whether a purchase is genuine, the one that was opened, and paid; granted where `user_id` is given.

    With `user_id` (the player of the backend's own session) the intent says whose it is and of what, and the
    ledger gives it once. Without, `external_id` must be one that the backend opened for this player itself.
    """
    if call.body.get("user_id") is not None:
        return _bought(call, call.text("user_id"))
    purchases = call.portal.purchases
    assert purchases is not None
    proven = purchases.verify(call.body.get("jwt"), call.text("external_id"))
    call.noted.order_id = proven.order_id
    return 200, _purchase_shape(proven, None)


def _bought(call: Call, user_id: str) -> Reply:
    purchases, ledger, intents = call.portal.purchases, call.portal.ledger, call.portal.intents
    assert purchases is not None
    if ledger is None or intents is None:
        raise no_ledger()
    claims = purchases.check_token(call.body.get("jwt"))
    call.noted.order_id = claims.order_id
    if call.body.get("external_id") not in (None, claims.external_id):
        raise ExternalIdMismatch("the client names another purchase than its token")
    intent = intents.find(claims.external_id)
    if intent is None or intent.user_id != user_id:
        raise ExternalIdMismatch("this player did not open a purchase of this id")
    proven = Purchase(order_id=claims.order_id, external_id=claims.external_id, claims=claims.claims)
    settlement = ledger.find_grant(claims.order_id)
    if settlement is None:
        purchases.confirm(claims)
        settlement = ledger.grant_purchase(proven, user_id=user_id, product_id=intent.product_id)
    if settlement.user_id != user_id:
        raise ExternalIdMismatch("the order was granted to another player")
    call.noted.outcome = str(settlement.outcome)
    return 200, _purchase_shape(proven, settlement_shape(settlement))


def _purchase_shape(proven: Purchase, settlement: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "order_id": proven.order_id,
        "external_id": proven.external_id,
        "claims": dict(proven.claims),
        "outcome": None if settlement is None else settlement["outcome"],
        "settlement": settlement,
    }


def confirm(call: Call) -> Reply:
    """Report an order as delivered, for backends that keep their own outbox."""
    client = call.portal.reports
    assert client is not None
    call.noted.order_id = call.text("order_id")
    client.confirm(call.noted.order_id)
    return 200, {"order_id": call.noted.order_id, "confirmed": True}


def orders(call: Call) -> Reply:
    """The portal's paid orders, for backends that keep their own ledger.

    In the portal's own order, of which no document says a word: that the newest payment comes first is an
    assumption (sandbox:orders-newest-first), so look at `paid_at_s` where it matters.
    `truncated`: there are more than `limit`, or than the portal told within 20 seconds.
    """
    client = call.portal.reports
    assert client is not None
    limit = call.asked("limit", default=ORDERS_DEFAULT, most=ORDERS_MAX)
    listed, is_all = listed_orders(client, limit=limit)
    return 200, {"orders": [order_shape(order) for order in listed], "truncated": not is_all}


def grant(call: Call) -> Reply:
    """What an order gave to whom, and still gives."""
    ledger = call.portal.ledger
    assert ledger is not None
    found = ledger.find_grant(an_id("order_id", call.args["order_id"]))
    if found is None:
        raise Problem("grant-unknown", "the order gave nothing, or was revoked")
    return 200, settlement_shape(found)


def items(call: Call) -> Reply:
    """What a player was granted and still has: the inventory of a backend that keeps none itself."""
    ledger = call.portal.ledger
    assert ledger is not None
    user_id = an_id("user_id", call.args["user_id"])
    held = [
        {"product_id": product_id, "quantity": quantity}
        for product_id, quantity in ledger.quantities(user_id).items()
    ]
    return 200, {"user_id": user_id, "items": held}


def outbox_run(call: Call) -> Reply:
    """Report granted orders as delivered; call it after an answer to the portal, and from a timer."""
    ledger, client = call.portal.ledger, call.portal.reports
    assert ledger is not None
    assert client is not None
    done = run_outbox(
        ledger, client, limit=call.number("limit", default=OUTBOX_MAX, least=1, most=OUTBOX_MAX)
    )
    return 200, {
        "confirmed": done.confirmed,
        "postponed": [{"order_id": one.order_id, "code": one.code} for one in done.postponed],
        "next_due_at_s": ledger.next_due_at_s(),
    }


def reconcile_run(call: Call) -> Reply:
    """Make up for what was lost: settle the portal's list, and ask again about purchases nobody tells of.

    `changes` is all that this run changed, and no later run tells it again. Where `is_complete` is false,
    more is left: `code` says what failed, null where the time was up, and `next_order`, where it is a number,
    is the `from_order` of the call that goes on with the list. A problem means that nothing was changed.
    """
    ledger = call.portal.ledger
    assert ledger is not None
    from_order = call.number("from_order", default=0, least=0, most=LISTED_MAX)
    products, every_s = call.products(), call.number("every_s", default=DAY_S, least=0, most=365 * DAY_S)
    answer: dict[str, Any] = {"orders": 0, "changes": [], "skipped": []}
    answer |= {"is_complete": True, "code": None, "next_order": None}
    if call.portal.reports is not None:
        _settle_list(ledger, call.portal.reports, products, from_order, answer)
    if call.portal.purchases is not None and answer["code"] is None:
        _ask_again(ledger, call.portal.purchases, every_s, answer)
    return 200, answer


def _settle_list(
    ledger: "Ledger",
    client: PortalClient,
    products: frozenset[str] | None,
    from_order: int,
    answer: dict[str, Any],
) -> None:
    done = reconcile(ledger, client, products=products, from_order=from_order)
    answer["orders"] = done.orders
    answer["changes"] += [settlement_shape(one) for one in done.changes]
    answer["skipped"] += [order_shape(one) for one in done.skipped]
    answer["next_order"] = done.next_order
    answer["is_complete"] = done.next_order is None
    answer["code"] = None if done.error is None else done.error.code


def _ask_again(ledger: "Ledger", purchases: PurchaseVerifier, every_s: int, answer: dict[str, Any]) -> None:
    from coinslot_verifier.recheck import recheck

    run = recheck(
        ledger,
        purchases,
        at_s=ledger.now_s(),
        every_s=every_s,
        retry_s=min(every_s, 300.0),
        time_limit_s=RUN_S_MAX,
    )
    if isinstance(run.error, LedgerUnavailable) and not (run.changes or answer["orders"]):
        raise run.error
    answer["changes"] += [settlement_shape(one) for one in run.changes]
    answer["is_complete"] &= run.is_complete
    answer["code"] = None if run.error is None else run.error.code


def no_ledger() -> Problem:
    """The sidecar was started without one."""
    return Problem("ledger-missing", "this sidecar has no ledger")


ROUTES: Final = (
    Route(method="POST", path="/identity", name="identity", handle=identity, needs=("identity",)),
    Route(method="POST", path="/notification", name="notification", handle=notification, needs=("notices",)),
    Route(
        method="POST", path="/intents", name="intent-open", handle=open_intent, needs=("purchases", "intents")
    ),
    Route(
        method="GET",
        path="/intents/{external_id}",
        name="intent",
        handle=find_intent,
        needs=("purchases", "intents"),
    ),
    Route(method="POST", path="/purchase", name="purchase", handle=purchase, needs=("purchases",)),
    Route(method="POST", path="/confirm", name="confirm", handle=confirm, needs=("reports",)),
    Route(method="GET", path="/orders", name="orders", handle=orders, needs=("reports",)),
    Route(method="GET", path="/players/{user_id}/items", name="items", handle=items, needs=("ledger",)),
    Route(method="POST", path="/ledger/apply", name="apply", handle=apply, needs=("notices", "ledger")),
    Route(method="GET", path="/ledger/grants/{order_id}", name="grant", handle=grant, needs=("ledger",)),
    Route(
        method="POST",
        path="/ledger/outbox/run",
        name="outbox-run",
        handle=outbox_run,
        needs=("reports", "ledger"),
    ),
    Route(method="POST", path="/ledger/reconcile", name="reconcile", handle=reconcile_run, needs=("ledger",)),
)
"""Every call below /v1/{portal}."""
