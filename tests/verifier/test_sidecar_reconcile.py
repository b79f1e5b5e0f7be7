"""The sidecar's reconcile: a list longer than a run, and runs that break off; no change goes untold."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from coinslot_contracts.domain import ListedOrder, OrdersPage, Purchase
from coinslot_contracts.errors import (
    CoinslotError,
    ConfirmUnavailable,
    LedgerUnavailable,
    PurchaseNotPaid,
    SignatureMismatch,
    VerifyUnavailable,
)
from coinslot_testkit.ledger_facts import LISTED, LISTED_REFUND
from coinslot_verifier import Ledger, VerifierConfig
from coinslot_verifier.paging import follow
from coinslot_verifier.sidecar import views
from coinslot_verifier.sidecar.jobs import RUN_S_MAX, listed_orders, reconcile
from coinslot_verifier.sidecar.problems import Problem
from coinslot_verifier.sidecar.reading import Call
from coinslot_verifier.sidecar.services import PortalServices

CONFIG = VerifierConfig(portal="jogos", game_id="1220", web_url="http://127.0.0.1:1")
SIZE = 10


class Portal:
    """A list of so many orders in pages of ten; each question takes its time, and some fail."""

    def __init__(self, count: int = 45, *, question_s: float = 0.0) -> None:
        self.orders = [replace(LISTED, order_id=f"o{number:03}") for number in range(count)]
        self.fails: dict[int, CoinslotError] = {}
        self.question_s = question_s
        self.now_s = 0.0
        self.asked: list[int] = []

    def monotonic(self) -> float:
        return self.now_s

    def ask(self, page_no: int, page_size: int) -> OrdersPage:
        self.asked.append(page_no)
        self.now_s += self.question_s
        if page_no in self.fails:
            raise self.fails[page_no]
        return OrdersPage(
            orders=tuple(self.orders[(page_no - 1) * page_size : page_no * page_size]),
            page_no=page_no,
            page_size=page_size,
            pages_total=-(-len(self.orders) // page_size),
            orders_total=len(self.orders),
        )

    def list_orders(self, **part: object):
        return follow(self.ask, page_size=SIZE, **part)


class Recheck:
    """Who confirms purchases; says what it is told to."""

    def __init__(self, **says: CoinslotError) -> None:
        self.says = says
        self.asked: list[str] = []

    def confirm(self, purchase) -> None:
        self.asked.append(purchase.order_id)
        if purchase.order_id in self.says:
            raise self.says[purchase.order_id]


def run(ledger, portal, *, from_order=0, products=None):
    return reconcile(ledger, portal, products=products, from_order=from_order, monotonic=portal.monotonic)


def ids(rows) -> list[str]:
    return [row.order_id for row in rows]


def answer(ledger, *, reports=None, purchases=None, **body):
    """What a call of /ledger/reconcile answers, and its 200."""
    portal = PortalServices(config=CONFIG, ledger=ledger, reports=reports, purchases=purchases)
    status, told = views.reconcile_run(Call(portal=portal, args={}, query={}, body=body))
    assert status == 200
    return told


def numbered(first: int, last: int) -> list[str]:
    return [f"o{number:03}" for number in range(first, last)]


@pytest.mark.parametrize("question_s", [RUN_S_MAX / 2, RUN_S_MAX, RUN_S_MAX * 3])
def test_a_list_longer_than_a_run_is_settled_by_several(ledger, question_s):
    """jogos:iap.3: each goes on where the one before stopped, however slow the portal, and tells its own."""
    portal, told, place = Portal(question_s=question_s), [], 0
    for _ in range(6):
        done = run(ledger, portal, from_order=place)
        assert done.error is None
        told += ids(done.changes)
        if done.next_order is None:
            break
        assert done.next_order > place
        place = done.next_order

    assert done.next_order is None
    assert told == numbered(0, 45)
    assert portal.asked == [1, 2, 3, 4, 5, 6][: len(portal.asked)]
    assert ledger.quantities("278") == {"1002": 45}


def test_a_run_with_time_enough_is_complete(ledger):
    """The twin of the above."""
    portal = Portal(question_s=RUN_S_MAX / 10)

    assert run(ledger, portal).next_order is None
    assert portal.asked == [1, 2, 3, 4, 5, 6]


def test_no_page_is_asked_for_when_the_time_is_up(ledger):
    """Also where the pages hold nothing new: those that repeat themselves hand on no order."""
    portal = Portal(question_s=RUN_S_MAX / 4)
    portal.orders = [replace(LISTED, order_id=f"o{number % 15:03}") for number in range(200)]

    done = run(ledger, portal)

    assert portal.asked == [1, 2, 3, 4]
    assert (ids(done.changes), done.next_order) == (numbered(0, 15), 4 * SIZE)


def test_a_second_reading_ends_with_the_time_and_the_list_was_read(ledger):
    """A total that lies costs a second reading; it must not make a run that never ends."""
    portal = Portal(question_s=RUN_S_MAX / 8)
    honest = portal.ask
    portal.ask = lambda page_no, size: replace(honest(page_no, size), orders_total=99)

    done = run(ledger, portal)

    assert portal.asked == [1, 2, 3, 4, 5, 6, 0, 1]
    assert (done.orders, done.next_order) == (45, None)


@pytest.mark.parametrize("failure", [ConfirmUnavailable("HTTP 503"), SignatureMismatch("41007")])
def test_what_was_changed_before_a_page_failed_is_told(ledger, failure):
    """No later run would tell it: by then it was granted before."""
    portal = Portal()
    portal.fails[3] = failure

    first = answer(ledger, reports=portal)
    portal.fails.clear()
    second = answer(ledger, reports=portal, from_order=first["next_order"])

    assert [one["order_id"] for one in first["changes"]] == numbered(0, 20)
    assert (first["is_complete"], first["code"], first["next_order"]) == (False, failure.code, 20)
    assert [one["order_id"] for one in second["changes"]] == numbered(20, 45)
    assert (second["is_complete"], second["code"], second["next_order"]) == (True, None, None)


def test_a_page_failed_and_nothing_was_changed_yet_is_told_with_the_place_too(ledger):
    """The pages before need not be read again."""
    portal = Portal()
    run(ledger, portal)
    portal.fails[3] = ConfirmUnavailable("HTTP 503")

    told = answer(ledger, reports=portal)

    assert (told["changes"], told["code"], told["next_order"]) == ([], "confirm-unavailable", 20)


@pytest.mark.parametrize("from_order", [0, 20])
def test_a_list_of_which_nothing_could_be_read_is_the_problem(ledger, from_order):
    """Nothing was decided: 503, and the same call again; where a part had to begin as at the start."""
    portal = Portal()
    portal.fails = dict.fromkeys((1, 3), SignatureMismatch("41007"))

    with pytest.raises(SignatureMismatch):
        answer(ledger, reports=portal, from_order=from_order)


def test_a_ledger_that_fails_on_the_way_hides_nothing(ledger, monkeypatch):
    """What was committed is told; where nothing was, it is the problem."""
    settle = ledger.settle_and_move

    def fails_at(order_id):
        def settle_until(order: ListedOrder, **more):
            if order.order_id == order_id:
                raise LedgerUnavailable("away")
            return settle(order, **more)

        return settle_until

    monkeypatch.setattr(ledger, "settle_and_move", fails_at("o002"))
    told = answer(ledger, reports=Portal())
    monkeypatch.setattr(ledger, "settle_and_move", fails_at("o000"))

    assert [one["order_id"] for one in told["changes"]] == ["o000", "o001"]
    assert (told["code"], told["next_order"]) == ("ledger-unavailable", 0)
    with pytest.raises(LedgerUnavailable):
        answer(ledger, reports=Portal())


def test_orders_of_what_is_not_sold_are_told_and_their_refunds_settled(ledger):
    """Nothing is granted for them."""
    portal = Portal(1)
    portal.orders += [replace(LISTED, order_id="odd", product_id="x")]
    portal.orders += [replace(LISTED_REFUND, order_id="back", product_id="x")]

    told = answer(ledger, reports=portal, products=["1002"])

    assert [one["order_id"] for one in told["changes"]] == ["o000"]
    assert [one["order_id"] for one in told["skipped"]] == ["odd"]
    assert told["orders"] == 3


@pytest.fixture
def bought(engine, clock):
    """Purchases o0 to o4 of a portal that tells nobody of a refund."""
    ledger = Ledger(engine, portal="playgama", clock=clock)
    ledger.create_tables()
    for number in range(5):
        purchase = Purchase(order_id=f"o{number}", external_id=f"e{number}", claims={})
        ledger.grant_purchase(purchase, user_id="1", product_id="gems")
    return ledger


NO, DOWN = PurchaseNotPaid("charged back"), VerifyUnavailable("HTTP 503")


def test_what_was_taken_back_before_the_ledger_failed_is_told(bought, monkeypatch):
    """sandbox:chargeback-without-callback: as for the list."""
    transact, revoked = bought.transact, []

    def breaks(work, connection=None):
        if connection is None and revoked:
            raise LedgerUnavailable("away")
        return transact(work, connection)

    def confirm(purchase) -> None:
        if purchase.order_id != "o0":
            revoked.append("o0")
        raise NO

    monkeypatch.setattr(bought, "transact", breaks)
    told = answer(bought, purchases=SimpleNamespace(confirm=confirm))

    assert [(one["order_id"], one["outcome"]) for one in told["changes"]] == [("o0", "revoked")]
    assert (told["is_complete"], told["code"], told["next_order"]) == (False, "ledger-unavailable", None)
    with pytest.raises(LedgerUnavailable):
        answer(bought, purchases=Recheck())


def test_a_portal_that_does_not_answer_leaves_the_recheck_incomplete(bought):
    """The twin is the next run, when it answers."""
    down = answer(bought, purchases=Recheck(o1=NO, o2=DOWN), every_s=0)
    up = answer(bought, purchases=Recheck())

    assert [one["order_id"] for one in down["changes"]] == ["o1"]
    assert (down["is_complete"], down["code"]) == (False, "verify-unavailable")
    assert (up["is_complete"], up["code"], up["changes"]) == (True, None, [])


def test_a_recheck_that_may_not_ask_about_all_is_incomplete(bought, clock):
    """A hundred in one run; the rest in the next."""
    for number in range(5, 101):
        purchase = Purchase(order_id=f"o{number}", external_id=f"e{number}", claims={})
        bought.grant_purchase(purchase, user_id="1", product_id="gems")
    recheck = Recheck()

    told = [answer(bought, purchases=recheck)["is_complete"] for _ in range(2)]

    assert told == [False, True]
    assert len(recheck.asked) == len(set(recheck.asked)) == 101


def test_a_portal_with_both_is_asked_about_purchases_when_its_list_is_in(bought):
    """A list that breaks off ends the run; what it changed is told."""
    portal, recheck = Portal(), Recheck()
    portal.fails[2] = ConfirmUnavailable("HTTP 503")

    broken = answer(bought, reports=portal, purchases=recheck)
    assert (len(broken["changes"]), broken["code"], recheck.asked) == (10, "confirm-unavailable", [])
    portal.fails.clear()
    whole = answer(bought, reports=portal, purchases=recheck)

    assert (len(whole["changes"]), whole["is_complete"], len(recheck.asked)) == (35, True, 5)


@pytest.mark.parametrize("from_order", [-1, 2_000_001, "1", 1.0, True])
def test_a_place_that_is_none_is_refused(ledger, from_order):
    """field-invalid; the largest that is one is the twin."""
    with pytest.raises(Problem, match="from_order"):
        answer(ledger, reports=Portal(), from_order=from_order)
    assert answer(ledger, reports=Portal(), from_order=2_000_000)["is_complete"]


@pytest.mark.parametrize(
    ("limit", "question_s", "count", "is_all"),
    [
        (100, 0.0, 45, True),
        (45, 0.0, 45, True),
        (44, 0.0, 44, False),
        (100, RUN_S_MAX / 2, 20, False),
        (100, RUN_S_MAX * 2, 10, False),
        (5, RUN_S_MAX * 2, 5, False),
    ],
)
def test_a_backend_with_its_own_ledger_has_its_answer_in_time(limit, question_s, count, is_all):
    """What was read until the time was up, marked as a part; the newest orders are worth having."""
    portal = Portal(question_s=question_s)

    orders, whole = listed_orders(portal, limit=limit, monotonic=portal.monotonic)

    assert (ids(orders), whole) == (numbered(0, count), is_all)


def test_no_question_is_begun_in_a_recheck_whose_time_is_up(bought, clock, monkeypatch):
    """The rest is due at once, for the next run; each portal's answer may take seconds."""
    monkeypatch.setattr(views, "RUN_S_MAX", 0.0)
    slow = Recheck()
    late = answer(bought, purchases=slow)
    monkeypatch.undo()
    whole = answer(bought, purchases=slow)

    assert (late["is_complete"], late["code"]) == (False, None)
    assert (whole["is_complete"], slow.asked) == (True, [f"o{number}" for number in range(5)])
