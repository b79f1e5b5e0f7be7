"""One grant for an order and one revocation for a refund, in whatever order and number things arrive."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations

import pytest
from coinslot_contracts.domain import ListedOrder, Notification
from coinslot_contracts.errors import GameMismatch
from coinslot_verifier import GrantOutcome, Ledger, RevokeOutcome, open_engine
from coinslot_verifier.ledger_store import GRANTS, METADATA, ORDERS, lock_order
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

PAY = Notification(
    kind="pay",
    game_id="1220",
    order_id="o1",
    user_id="278",
    product_id="1002",
    arrived_status=0,
    created_at_s=1_755_657_098,
    paid_at_s=1_755_657_115,
)
REFUND = replace(PAY, kind="refund", refund_status=1, refunded_at_s=1_755_660_000)
LISTED = ListedOrder(
    order_id="o1", user_id="278", product_id="1002", arrived_status=0, paid_at_s=1_755_657_115
)
LISTED_REFUND = replace(LISTED, refund_status=1, refunded_at_s=1_755_660_000)


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000_000.5

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(f"sqlite:///{(tmp_path / 'ledger.sqlite').as_posix()}")
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine, clock):
    ledger = Ledger(engine, portal="jogos", game_id="1220", clock=clock)
    ledger.create_tables()
    return ledger


def waiting(ledger: Ledger) -> list[str]:
    return [pending.order_id for pending in ledger.pending_confirmations()]


def test_a_payment_is_granted_once(ledger):
    """sandbox:at-least-once"""
    assert [ledger.grant(PAY) for _ in range(3)] == ["granted", "already-granted", "already-granted"]
    assert ledger.quantities("278") == {"1002": 1}


def test_a_refund_takes_back_once_and_a_late_payment_gives_nothing(ledger):
    """jogos:iap.4"""
    ledger.grant(PAY)

    assert [ledger.revoke(REFUND) for _ in range(3)] == ["revoked", "already-revoked", "already-revoked"]
    assert ledger.grant(PAY) is GrantOutcome.ALREADY_GRANTED
    assert ledger.quantities("278") == {}


def test_a_refund_that_came_first_is_remembered(ledger):
    """jogos:iap.4: pay and refund travel independently."""
    assert [ledger.revoke(REFUND) for _ in range(2)] == ["remembered", "remembered"]
    assert [ledger.grant(PAY) for _ in range(2)] == ["refunded-before", "refunded-before"]
    assert ledger.quantities("278") == {}
    assert waiting(ledger) == []


@pytest.mark.parametrize("status", [0, 2, 3, None])
def test_a_refund_that_is_not_through_changes_nothing(ledger, status):
    """jogos:iap.1.fields: 0 is running, 2 failed, 3 was rejected; only 1 is a refund."""
    refund = replace(REFUND, refund_status=status)

    assert ledger.revoke(refund) is RevokeOutcome.NOTHING
    assert ledger.grant(replace(PAY, refund_status=status)) is GrantOutcome.GRANTED
    assert ledger.revoke(refund) is RevokeOutcome.NOTHING
    assert ledger.quantities("278") == {"1002": 1}


def test_a_payment_that_says_it_was_refunded_gives_nothing_then_or_later(ledger):
    """jogos:iap.1.fields: a late retry that carries the order's present state."""
    refunded = replace(PAY, refund_status=1)

    assert [ledger.grant(refunded) for _ in range(2)] == ["refunded-before", "refunded-before"]
    assert ledger.grant(PAY) is GrantOutcome.REFUNDED_BEFORE


def test_a_payment_that_says_it_was_refunded_takes_nothing_back(ledger):
    """Its kind is pay: the refund has a notification of its own."""
    ledger.grant(PAY)

    assert ledger.grant(replace(PAY, refund_status=1)) is GrantOutcome.ALREADY_GRANTED
    assert ledger.quantities("278") == {"1002": 1}
    assert ledger.revoke(REFUND) is RevokeOutcome.REVOKED


def test_who_was_granted_loses_it_whatever_the_refund_names(ledger):
    """The ledger knows better than a message."""
    ledger.grant(PAY)

    settlement = ledger.apply(replace(REFUND, user_id="999", product_id="other"))

    assert (settlement.user_id, settlement.product_id) == ("278", "1002")
    assert settlement.outcome is RevokeOutcome.REVOKED


def test_order_ids_are_opaque_and_belong_to_one_game_at_one_portal(ledger, engine):
    """jogos:iap.1.fields: upper and lower case are two orders, and so is another game's."""
    other_game = Ledger(engine, portal="jogos", game_id="1221")
    other_portal = Ledger(engine, portal="other", game_id="1220")

    outcomes = [
        ledger.grant(PAY),
        ledger.grant(replace(PAY, order_id="O1")),
        other_game.grant(replace(PAY, game_id="1221")),
        other_portal.grant(PAY),
    ]

    assert outcomes == ["granted"] * 4
    assert ledger.quantities("278") == {"1002": 2}
    assert waiting(other_game) == ["o1"]


def test_another_games_notification_is_refused(ledger):
    """jogos:iap.1.err, once more where the money is."""
    with pytest.raises(GameMismatch):
        ledger.apply(replace(PAY, game_id="1221"))


def test_grant_and_revoke_take_only_their_own_kind(ledger):
    """apply takes both."""
    with pytest.raises(ValueError, match="takes a payment"):
        ledger.grant(REFUND)
    with pytest.raises(ValueError, match="takes a refund"):
        ledger.revoke(PAY)


def test_a_grant_in_the_callers_transaction_is_undone_with_it(ledger):
    """Ledger and item are committed together or not at all."""

    def grant_and_fail() -> None:
        with ledger.begin() as connection:
            assert ledger.grant(PAY, connection) is GrantOutcome.GRANTED
            raise RuntimeError("the item could not be given")

    with pytest.raises(RuntimeError, match="item"):
        grant_and_fail()

    assert ledger.grant(PAY) is GrantOutcome.GRANTED


def test_a_grant_in_the_callers_transaction_is_kept_with_it(ledger):
    """The positive twin."""
    with ledger.begin() as connection:
        ledger.grant(PAY, connection)

    assert ledger.grant(PAY) is GrantOutcome.ALREADY_GRANTED


def test_the_database_itself_refuses_a_second_grant(ledger, engine):
    """sandbox:at-least-once: a unique constraint, whatever the code above it does."""
    ledger.grant(PAY)
    again = {"portal": "jogos", "game_id": "1220", "order_id": "o1", "user_id": "1", "product_id": "x"}

    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(insert(GRANTS).values(**again, granted_at_s=1.0, flagged=False))


@pytest.mark.parametrize("copies", [2, 16])
def test_many_threads_with_one_order_make_one_grant(ledger, copies):
    """sandbox:at-least-once, five independent orders, because one race proves little."""
    for number in range(5):
        pay = replace(PAY, order_id=f"race{number}")
        barrier = threading.Barrier(copies)

        def grant(_: int, pay: Notification = pay, barrier: threading.Barrier = barrier) -> GrantOutcome:
            barrier.wait(10)
            return ledger.grant(pay)

        with ThreadPoolExecutor(copies) as pool:
            outcomes = list(pool.map(grant, range(copies)))

        assert sorted(outcomes) == ["already-granted"] * (copies - 1) + ["granted"]


def test_a_caller_may_read_before_it_grants(ledger):
    """A transaction that reads first and writes then would fail or lose updates if it began deferred."""
    barrier = threading.Barrier(8)

    def look_and_grant(number: int) -> str:
        barrier.wait(10)
        with ledger.begin() as connection:
            connection.execute(select(GRANTS)).all()
            return ledger.apply(replace(PAY, order_id=f"own{number}"), connection).outcome

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(look_and_grant, range(8))) == ["granted"] * 8


def test_payments_and_refunds_at_once_leave_nothing_behind(ledger):
    """jogos:iap.4: whichever comes first, the order was refunded in the end."""
    for number in range(5):
        messages = [replace(message, order_id=f"mix{number}") for message in (PAY, REFUND) * 8]
        barrier = threading.Barrier(len(messages))

        def apply(message: Notification, barrier: threading.Barrier = barrier) -> str:
            barrier.wait(10)
            return ledger.apply(message).outcome

        with ThreadPoolExecutor(len(messages)) as pool:
            outcomes = list(pool.map(apply, messages))

        assert outcomes.count("granted") == outcomes.count("revoked") <= 1
        assert ledger.quantities("278") == {}


def test_a_granted_order_waits_to_be_confirmed_until_it_is(ledger, clock):
    """jogos:iap.2"""
    ledger.grant(PAY)
    ledger.grant(replace(PAY, order_id="o2"))
    assert waiting(ledger) == ["o1", "o2"]

    ledger.postpone_confirmation("o1", wait_s=5)
    ledger.mark_confirmed("o2")
    assert waiting(ledger) == []
    assert ledger.next_due_at_s() == clock.now_s + 5

    clock.now_s += 5
    assert [(p.order_id, p.attempts) for p in ledger.pending_confirmations()] == [("o1", 1)]
    ledger.mark_confirmed("o1")
    assert ledger.next_due_at_s() is None


def test_pending_confirmations_come_in_portions(ledger):
    """A long backlog does not have to fit into memory."""
    for number in range(5):
        ledger.grant(replace(PAY, order_id=f"o{number}"))

    assert [p.order_id for p in ledger.pending_confirmations(limit=2)] == ["o0", "o1"]


def test_what_is_pending_survives_a_restart(ledger, engine, clock):
    """jogos:iap.2: a crash between grant and report only delays the report."""
    ledger.grant(PAY)

    reborn = Ledger(engine, portal="jogos", game_id="1220", clock=clock)
    reborn.create_tables()

    assert waiting(reborn) == ["o1"]


def test_a_listed_order_that_nobody_told_us_of_is_granted_once(ledger):
    """jogos:iap.3"""
    assert [s.outcome for s in ledger.reconcile([LISTED, LISTED], listed_at_s=0)] == ["granted"]
    assert ledger.reconcile([LISTED], listed_at_s=0) == []
    assert waiting(ledger) == ["o1"]


@pytest.mark.parametrize("status", [0, 2, 3])
def test_a_listed_order_whose_refund_is_not_through_is_granted(ledger, status):
    """jogos:iap.3: it is paid, and not refunded."""
    listed = replace(LISTED, refund_status=status)

    assert [s.outcome for s in ledger.reconcile([listed], listed_at_s=0)] == ["granted"]


def test_a_listed_refund_takes_back_once(ledger):
    """jogos:iap.3, jogos:iap.4: the refund's notification was lost."""
    ledger.grant(PAY)

    assert [s.outcome for s in ledger.reconcile([LISTED_REFUND], listed_at_s=0)] == ["revoked"]
    assert ledger.reconcile([LISTED_REFUND], listed_at_s=0) == []
    assert ledger.quantities("278") == {}


def test_a_listed_refund_of_an_order_that_was_never_granted_is_remembered(ledger):
    """jogos:iap.4"""
    assert ledger.reconcile([LISTED_REFUND], listed_at_s=0) == []
    assert ledger.grant(PAY) is GrantOutcome.REFUNDED_BEFORE


def test_an_order_delivered_elsewhere_is_granted_and_flagged(ledger):
    """jogos:iap.3: the client's SDK may mark an order delivered that the server never granted."""
    (change,) = ledger.reconcile([replace(LISTED, arrived_status=1)], listed_at_s=0)

    assert (change.outcome, change.flagged) == (GrantOutcome.GRANTED, True)
    assert waiting(ledger) == []
    assert ledger.quantities("278") == {"1002": 1}


def test_a_confirmation_that_the_portal_lost_is_made_again(ledger, clock):
    """jogos:iap.3: granted, confirmed by us, and still not delivered in a list made afterwards."""
    ledger.grant(PAY)
    ledger.mark_confirmed("o1")

    ledger.reconcile([LISTED], listed_at_s=clock.now_s - 1)
    assert waiting(ledger) == []
    ledger.reconcile([replace(LISTED, arrived_status=1)], listed_at_s=clock.now_s + 1)
    assert waiting(ledger) == []
    ledger.reconcile([LISTED], listed_at_s=clock.now_s + 1)
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
        ledger.reconcile(orders, listed_at_s=0, on_change=move)

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


@settings(max_examples=60, deadline=None)
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


@pytest.mark.parametrize("url", ["mysql://x/y", "oracle://x"])
def test_another_kind_of_database_is_refused(url):
    """Where neither locks nor conflicts were tried, no money is kept."""
    with pytest.raises(ValueError, match="sqlite or postgresql"):
        open_engine(url)


def test_a_missing_driver_is_named(monkeypatch):
    """One line, not a traceback."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(ValueError, match="the driver psycopg is not installed"):
        open_engine("postgresql+psycopg://localhost/game")


def test_a_reader_waits_for_no_writer(ledger, engine):
    """The probe answers while a grant is in its transaction, and sees nothing half done."""
    with ledger.begin() as connection:
        ledger.grant(PAY, connection)

        assert ledger.quantities("278") == {}
    assert ledger.quantities("278") == {"1002": 1}


class RecordingConnection:
    """A connection that compiles what it is given for PostgreSQL and keeps the text."""

    dialect = postgresql.dialect()

    def __init__(self) -> None:
        self.sql: list[str] = []

    def execute(self, statement) -> None:
        self.sql.append(str(statement.compile(dialect=self.dialect)))


def test_the_lock_of_an_order_is_postgresqls_too():
    """One code path: an upsert that takes the row's lock in either database."""
    connection = RecordingConnection()

    lock_order(connection, {"portal": "jogos", "game_id": "1220", "order_id": "o1"})

    assert "ON CONFLICT (portal, game_id, order_id) DO UPDATE SET" in connection.sql[0]


@pytest.mark.parametrize("table", METADATA.sorted_tables, ids=str)
def test_the_tables_are_postgresqls_too(table):
    """Times are double precision there, or they would lose their fractions."""
    sql = str(CreateTable(table).compile(dialect=postgresql.dialect()))

    assert "PRIMARY KEY (portal, game_id, " in sql
    assert "FLOAT(53)" in sql or table is ORDERS
