"""The ledger against the portal's list, and against any history of messages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import pytest
from coinslot_contracts.domain import ListedOrder
from coinslot_testkit.ledger_facts import LISTED, LISTED_REFUND, PAY, REFUND, waiting
from coinslot_verifier import GrantOutcome, Ledger, open_engine, run_reconcile
from hypothesis import given, settings
from hypothesis import strategies as st


@dataclass
class Lister:
    """A portal that lists these."""

    orders: Sequence[ListedOrder]

    def list_orders(self) -> Sequence[ListedOrder]:
        return self.orders


def outcomes(ledger: Ledger, *orders: ListedOrder) -> list[str]:
    """What a list of these changed."""
    return [change.outcome for change in run_reconcile(ledger, Lister(orders)).changes]


def test_a_listed_order_that_nobody_told_us_of_is_granted_once(ledger):
    """jogos:iap.3"""
    assert outcomes(ledger, LISTED, LISTED) == ["granted"]
    assert outcomes(ledger, LISTED) == []
    assert waiting(ledger) == ["o1"]


@pytest.mark.parametrize("status", [0, 2, 3])
def test_a_listed_order_whose_refund_is_not_through_is_granted(ledger, status):
    """jogos:iap.3: it is paid, and not refunded."""
    listed = replace(LISTED, refund_status=status)

    assert outcomes(ledger, listed) == ["granted"]


def test_a_listed_refund_takes_back_once(ledger):
    """jogos:iap.3, jogos:iap.4: the refund's notification was lost."""
    ledger.grant(PAY)

    assert outcomes(ledger, LISTED_REFUND) == ["revoked"]
    assert outcomes(ledger, LISTED_REFUND) == []
    assert ledger.quantities("278") == {}


def test_a_listed_refund_of_an_order_that_was_never_granted_is_remembered(ledger):
    """jogos:iap.4"""
    assert outcomes(ledger, LISTED_REFUND) == []
    assert ledger.grant(PAY) is GrantOutcome.REFUNDED_BEFORE


def test_an_order_delivered_elsewhere_is_granted_and_flagged(ledger):
    """jogos:iap.3: the client's SDK may mark an order delivered that the server never granted."""
    (change,) = run_reconcile(ledger, Lister([replace(LISTED, arrived_status=1)])).changes

    assert (change.outcome, change.flagged) == (GrantOutcome.GRANTED, True)
    assert waiting(ledger) == []
    assert ledger.quantities("278") == {"1002": 1}


def test_a_confirmation_that_the_portal_lost_is_made_again(ledger, clock):
    """jogos:iap.3: granted, confirmed by us, and still not delivered in a list made afterwards."""
    ledger.grant(PAY)
    ledger.mark_confirmed("o1")

    ledger.settle(LISTED, listed_at_s=clock.now_s - 1)
    assert waiting(ledger) == []
    ledger.settle(replace(LISTED, arrived_status=1), listed_at_s=clock.now_s + 1)
    assert waiting(ledger) == []
    ledger.settle(LISTED, listed_at_s=clock.now_s + 1)
    assert waiting(ledger) == ["o1"]


def test_items_move_in_the_transaction_of_each_change(ledger):
    """A failure on one order loses no other, and its own grant is undone."""
    moved: list[str] = []

    def move(connection, settlement):
        assert connection.in_transaction()
        if settlement.order_id == "bad":
            raise RuntimeError("no such product")
        moved.append(settlement.order_id)

    orders = [replace(LISTED, order_id=name) for name in ("o1", "o2", "bad")]
    with pytest.raises(RuntimeError, match="no such product"):
        run_reconcile(ledger, Lister(orders), on_change=move)

    assert moved == ["o1", "o2"]
    assert ledger.quantities("278") == {"1002": 2}


@pytest.mark.parametrize("messages", list(permutations([PAY, PAY, REFUND, LISTED_REFUND], 4)))
def test_every_order_of_arrival_ends_alike(ledger, messages):
    """jogos:iap.4: refunded in the end, so nothing is held; never more given than taken."""
    given = taken = 0
    for message in messages:
        settled = (
            ledger.settle(message, listed_at_s=0)
            if isinstance(message, ListedOrder)
            else ledger.apply(message)
        )
        given += settled.outcome == "granted"
        taken += settled.outcome == "revoked"

    assert given == taken <= 1
    assert ledger.quantities("278") == {}


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["pay", "refund", "list", "list-refund", "running", "arrived"]), max_size=8))
def test_no_history_gives_twice_or_takes_what_was_not_given(tmp_path_factory, history):
    """sandbox:at-least-once: held stays 0 or 1, and a refund that is through ends it for good."""
    engine = open_engine(f"sqlite:///{(tmp_path_factory.mktemp('h') / 'ledger.sqlite').as_posix()}")
    ledger = Ledger(engine, portal="jogos", game_id="1220")
    ledger.create_tables()
    steps = {
        "pay": lambda: ledger.apply(PAY),
        "refund": lambda: ledger.apply(REFUND),
        "running": lambda: ledger.apply(replace(REFUND, refund_status=0)),
        "list": lambda: ledger.settle(LISTED, listed_at_s=0),
        "list-refund": lambda: ledger.settle(LISTED_REFUND, listed_at_s=0),
        "arrived": lambda: ledger.settle(replace(LISTED, arrived_status=1), listed_at_s=0),
    }
    held, was_granted, was_refunded = 0, False, False
    for step in history:
        outcome = steps[step]().outcome
        held += (outcome == "granted") - (outcome == "revoked")
        was_granted |= outcome == "granted"
        was_refunded |= step in ("refund", "list-refund")
        assert held == (1 if was_granted and not was_refunded else 0)
        assert ledger.quantities("278") == ({"1002": 1} if held else {})
    engine.dispose()
