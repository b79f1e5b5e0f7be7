"""A confirmed purchase is granted once and reported to nobody; a refund is found by asking again."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from coinslot_contracts.domain import Notification, Purchase, PurchaseClaims
from coinslot_contracts.errors import LedgerUnavailable, PurchaseNotPaid, VerifyUnavailable
from coinslot_verifier import GrantOutcome, Ledger, RevokeOutcome, open_engine, reverify, run_recheck
from coinslot_verifier.recheck import DAY_S, UNDECIDED_MAX
from hypothesis import given, settings
from hypothesis import strategies as st

NOW_S = 1_757_905_358.5


def purchase(order_id: str = "o1", external_id: str = "e1") -> Purchase:
    return Purchase(order_id=order_id, external_id=external_id, claims={})


class Portal:
    """Who is asked: what it says of an order, yes where nothing is said, and what it was asked."""

    def __init__(self) -> None:
        self.says: dict[str, Exception] = {}
        self.asked: list[tuple[str, str]] = []

    def confirm(self, purchase: PurchaseClaims) -> None:
        self.asked.append((purchase.order_id, purchase.external_id))
        if purchase.order_id in self.says:
            raise self.says[purchase.order_id]


NO = PurchaseNotPaid("charged back")
DOWN = VerifyUnavailable("HTTP 503")


@pytest.fixture
def ledger(engine):
    ledger = Ledger(engine, portal="playgama", clock=lambda: NOW_S)
    ledger.create_tables()
    return ledger


def test_a_purchase_that_comes_twice_in_one_transaction_is_known_the_second_time(ledger):
    """What the caller's own transaction granted counts, though nobody else can see it yet."""
    with ledger.begin() as connection:
        first = ledger.grant_purchase(purchase(), user_id="1", product_id="gems_100", connection=connection)
        again = ledger.grant_purchase(purchase(), user_id="2", product_id="gems_200", connection=connection)

    assert (first.outcome, again.outcome) == (GrantOutcome.GRANTED, GrantOutcome.ALREADY_GRANTED)
    assert (again.user_id, again.product_id) == ("1", "gems_100")


@pytest.fixture
def portal():
    return Portal()


def grant(ledger, order_id: str = "o1", user_id: str = "257", product_id: str = "gems_100"):
    external_id = f"e-{order_id}"
    return ledger.grant_purchase(purchase(order_id, external_id), user_id=user_id, product_id=product_id)


def test_a_purchase_is_granted_once_however_often_it_is_shown(ledger):
    """playgama:practice"""
    outcomes = [grant(ledger).outcome for _ in range(3)]

    assert outcomes == [GrantOutcome.GRANTED, GrantOutcome.ALREADY_GRANTED, GrantOutcome.ALREADY_GRANTED]
    assert ledger.quantities("257") == {"gems_100": 1}


def test_there_is_nothing_to_report_to_the_portal(ledger):
    """The portal takes no reports; the twin is every grant of a notification."""
    grant(ledger)

    assert ledger.next_due_at_s() is None


def test_an_order_stays_its_first_owners_whoever_shows_it_later(ledger):
    """playgama:1: unique for the purchase."""
    grant(ledger)

    again = grant(ledger, user_id="258", product_id="gems_200")

    assert (again.user_id, again.product_id) == ("257", "gems_100")
    assert ledger.quantities("258") == {}


def test_two_orders_of_one_intent_are_two_grants(ledger):
    """playgama:1: what was paid twice is given twice; the order counts, not the external id."""
    for order_id in ("o1", "o2"):
        ledger.grant_purchase(purchase(order_id, "same"), user_id="257", product_id="gems_100")

    assert ledger.quantities("257") == {"gems_100": 2}


def test_equal_orders_of_two_portals_are_two_grants(engine, ledger):
    """sandbox:at-least-once: the key is portal, game and order."""
    other = Ledger(engine, portal="jogos", game_id="1220")
    pay = Notification(
        kind="pay",
        game_id="1220",
        order_id="o1",
        user_id="257",
        product_id="1002",
        arrived_status=0,
        created_at_s=1,
        paid_at_s=2,
    )

    assert (grant(ledger).outcome, other.apply(pay).outcome) == ("granted", "granted")
    assert (ledger.quantities("257"), other.quantities("257")) == ({"gems_100": 1}, {"1002": 1})


def test_eight_at_once_are_one_grant(ledger):
    """playgama:practice"""
    for round_ in range(3):
        barrier = threading.Barrier(8)

        def one(_: int, order_id: str = f"r{round_}", barrier: threading.Barrier = barrier) -> str:
            barrier.wait(10)
            return str(grant(ledger, order_id).outcome)

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(one, range(8))) == ["already-granted"] * 7 + ["granted"]


def test_a_grant_is_undone_with_the_callers_transaction(ledger):
    """The item and its row are committed together or not at all."""
    with suppress(ZeroDivisionError), ledger.begin() as connection:
        ledger.grant_purchase(purchase(), user_id="257", product_id="gems_100", connection=connection)
        raise ZeroDivisionError

    assert ledger.find_grant("o1") is None
    assert grant(ledger).outcome is GrantOutcome.GRANTED


def test_a_grant_is_found_until_it_is_revoked(ledger):
    """What a client that shows its purchase again may be told."""
    before = ledger.find_grant("o1")
    grant(ledger)
    found = ledger.find_grant("o1")
    ledger.revoke_purchase("o1")

    assert before is None
    assert found is not None
    assert (found.user_id, found.product_id, found.outcome) == ("257", "gems_100", "already-granted")
    assert ledger.find_grant("o1") is None


def test_a_revoked_purchase_is_not_granted_again(ledger):
    """playgama:4"""
    grant(ledger)
    ledger.revoke_purchase("o1")

    assert grant(ledger).outcome is GrantOutcome.REFUNDED_BEFORE
    assert ledger.quantities("257") == {}


def test_a_purchase_that_is_no_longer_confirmed_is_taken_back_once(ledger, portal):
    """sandbox:chargeback-without-callback"""
    grant(ledger)
    grant(ledger, "o2")
    portal.says["o1"] = NO
    taken = []

    runs = [
        reverify(ledger, portal, at_s=NOW_S, every_s=0, on_change=lambda _, change: taken.append(change))
        for _ in range(3)
    ]

    assert [[change.order_id for change in changes] for changes in runs] == [["o1"], [], []]
    assert [(c.user_id, c.product_id, c.outcome) for c in taken] == [
        ("257", "gems_100", RevokeOutcome.REVOKED)
    ]
    assert ledger.quantities("257") == {"gems_100": 1}
    assert portal.asked.count(("o1", "e-o1")) == 1


def test_a_revocation_is_undone_where_the_item_cannot_be_taken(ledger, portal):
    """Both or neither; the next run tries again."""
    grant(ledger)
    portal.says["o1"] = NO

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reverify(ledger, portal, at_s=NOW_S, on_change=broken)

    assert len(reverify(ledger, portal, at_s=NOW_S)) == 1


def test_a_confirmed_purchase_is_left_in_peace_for_a_while(ledger, portal):
    """Once a day by default."""
    grant(ledger)
    for at_s in (NOW_S, NOW_S + DAY_S - 1, NOW_S + DAY_S):
        reverify(ledger, portal, at_s=at_s)

    assert len(portal.asked) == 2


def test_an_outage_changes_nothing_and_is_asked_about_sooner(ledger, portal):
    """playgama:4: nothing is known, so nothing is taken."""
    grant(ledger)
    portal.says["o1"] = DOWN

    assert reverify(ledger, portal, at_s=NOW_S) == []
    assert reverify(ledger, portal, at_s=NOW_S + 299) == []
    assert reverify(ledger, portal, at_s=NOW_S + 300) == []
    assert len(portal.asked) == 2
    assert ledger.quantities("257") == {"gems_100": 1}


def test_a_run_ends_when_the_portal_seems_to_be_down(ledger, portal):
    """Each question may take seconds."""
    for number in range(10):
        grant(ledger, f"o{number}")
        portal.says[f"o{number}"] = DOWN

    reverify(ledger, portal, at_s=NOW_S)

    assert len(portal.asked) == UNDECIDED_MAX


def test_one_order_that_cannot_be_asked_about_hides_no_other(ledger, portal):
    """The twin of the test above: failures in a row end a run, a yes or no between them does not."""
    for number in range(8):
        grant(ledger, f"o{number}")
    portal.says = {f"o{number}": DOWN for number in (0, 1, 3, 4, 6)} | {"o5": NO}

    changes = reverify(ledger, portal, at_s=NOW_S)

    assert [change.order_id for change in changes] == ["o5"]
    assert len(portal.asked) == 8


def test_old_purchases_are_watched_no_more(ledger, portal):
    """180 days by default."""
    grant(ledger)

    reverify(ledger, portal, at_s=NOW_S + 180 * DAY_S)
    assert portal.asked == []
    reverify(ledger, portal, at_s=NOW_S + 180 * DAY_S - 1)
    assert portal.asked == [("o1", "e-o1")]


def test_a_run_asks_about_no_more_than_it_may_the_longest_due_first(ledger, portal):
    """The rest comes in the next run."""
    for number in range(5):
        grant(ledger, f"o{number}")

    for _ in range(3):
        reverify(ledger, portal, at_s=NOW_S, limit=2)

    assert [order_id for order_id, _ in portal.asked] == ["o0", "o1", "o2", "o3", "o4"]


def test_a_run_asks_no_more_when_its_time_is_up(ledger, portal):
    """The rest is due at once for the next run, whose time is its own."""
    for number in range(5):
        grant(ledger, f"o{number}")
    ticks = iter(range(100))

    reverify(ledger, portal, at_s=NOW_S, time_limit_s=3, monotonic=lambda: next(ticks))
    assert [order_id for order_id, _ in portal.asked] == ["o0", "o1"]
    assert run_recheck(ledger, portal, time_limit_s=0) == []
    assert len(portal.asked) == 2
    run_recheck(ledger, portal, time_limit_s=60)

    assert [order_id for order_id, _ in portal.asked] == ["o0", "o1", "o2", "o3", "o4"]


def test_a_run_says_that_the_ledger_was_away(ledger, portal):
    """What was revoked before stays; its item was taken in the same transaction."""
    for number in range(2):
        grant(ledger, f"o{number}")
        portal.says[f"o{number}"] = NO

    def take(_, change) -> None:
        if change.order_id == "o1":
            raise LedgerUnavailable("away")

    with pytest.raises(LedgerUnavailable):
        reverify(ledger, portal, at_s=NOW_S, on_change=take)
    assert (ledger.find_grant("o0"), ledger.find_grant("o1") is None) == (None, False)


def test_another_portals_purchases_are_not_asked_about(engine, ledger, portal):
    """Several may share a database."""
    grant(Ledger(engine, portal="other", clock=lambda: NOW_S))

    reverify(ledger, portal, at_s=NOW_S)

    assert portal.asked == []


def test_a_revocation_that_comes_between_is_not_made_twice(ledger, portal):
    """Two runs at once, or a person: the item is taken once."""
    grant(ledger)
    portal.says["o1"] = NO
    first_confirm = portal.confirm

    def confirm_late(asked: PurchaseClaims) -> None:
        ledger.revoke_purchase(asked.order_id)
        first_confirm(asked)

    portal.confirm = confirm_late  # type: ignore[method-assign]

    assert reverify(ledger, portal, at_s=NOW_S) == []


STEPS = st.lists(
    st.tuples(st.sampled_from(["show", "revoke", "yes", "no", "down", "ask"]), st.sampled_from(["o1", "o2"])),
    max_size=25,
)


@settings(deadline=None)  # a database of its own for each example
@given(STEPS)
def test_whatever_happens_an_order_is_granted_at_most_once_and_taken_at_most_once(steps):
    """playgama:practice, playgama:4"""
    engine = open_engine("sqlite://")
    ledger = Ledger(engine, portal="playgama", clock=lambda: NOW_S)
    ledger.create_tables()
    portal = Portal()
    held = {"o1": 0, "o2": 0}
    moved = {"o1": 0, "o2": 0}

    def move(order_id: str, change: int) -> None:
        held[order_id] += change
        moved[order_id] += 1

    for action, order_id in steps:
        if action == "show" and grant(ledger, order_id).outcome is GrantOutcome.GRANTED:
            move(order_id, +1)
        elif action == "revoke" and ledger.revoke_purchase(order_id).outcome is RevokeOutcome.REVOKED:
            move(order_id, -1)
        elif action in ("no", "down"):
            portal.says[order_id] = NO if action == "no" else DOWN
        elif action == "yes":
            portal.says.pop(order_id, None)
        elif action == "ask":
            for change in reverify(ledger, portal, at_s=NOW_S, every_s=0, retry_s=0):
                move(change.order_id, -1)
    engine.dispose()

    assert all(0 <= count <= 1 for count in held.values())
    assert all(count <= 2 for count in moved.values())
