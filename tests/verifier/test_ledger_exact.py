"""The ledger to the letter: each row that it writes, each refusal's words, and what a failing database is."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from coinslot_contracts.domain import Purchase
from coinslot_contracts.errors import GameMismatch, LedgerUnavailable
from coinslot_testkit.ledger_facts import LISTED, LISTED_REFUND, PAY, REFUND, waiting
from coinslot_verifier import GrantOutcome, Ledger, RevokeOutcome, Settlement, run_reconcile
from coinslot_verifier.ledger_store import GRANTS, ORDERS, OUTBOX, PURCHASES, REVOCATIONS
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, OperationalError

NOW_S = 1_000_000.5
"""What the clock of the tests says before it is turned."""
KEY = {"portal": "jogos", "game_id": "1220", "order_id": "o1"}


@pytest.fixture
def rows(engine):
    """Read every row of a table, in the order of the keys."""

    def rows(table) -> list[dict[str, object]]:
        query = select(table).order_by(*table.primary_key)
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    return rows


def test_a_payment_writes_its_decision_its_grant_and_what_is_to_be_confirmed(ledger, rows):
    """docs/ledger.md: and no purchase to ask about again."""
    settled = ledger.apply(PAY)

    assert settled == Settlement(
        order_id="o1", user_id="278", product_id="1002", outcome=GrantOutcome.GRANTED, flagged=False
    )
    assert rows(ORDERS) == [{**KEY, "decided": "granted"}]
    assert rows(GRANTS) == [
        {
            **KEY,
            "user_id": "278",
            "product_id": "1002",
            "granted_at_s": NOW_S,
            "flagged": False,
            "decided": "granted",
        }
    ]
    assert rows(OUTBOX) == [{**KEY, "attempts": 0, "due_at_s": NOW_S, "confirmed_at_s": None}]
    assert rows(REVOCATIONS) == rows(PURCHASES) == []


def test_a_refund_that_came_first_writes_its_decision_and_itself(ledger, rows):
    """jogos:iap.4: nothing is granted or to be confirmed, and nobody is named but by the message."""
    settled = ledger.apply(REFUND)

    assert settled == Settlement(
        order_id="o1", user_id="278", product_id="1002", outcome=RevokeOutcome.REMEMBERED, flagged=False
    )
    assert rows(ORDERS) == [{**KEY, "decided": "refunded"}]
    assert rows(REVOCATIONS) == [{**KEY, "revoked_at_s": NOW_S}]
    assert rows(GRANTS) == rows(OUTBOX) == []


def test_a_refund_of_what_was_granted_writes_itself_and_leaves_the_decision(ledger, rows, clock):
    """jogos:iap.4: with the time of the first refund, however many come."""
    ledger.grant(PAY)
    for _ in range(2):
        clock.now_s += 60
        ledger.revoke(REFUND)

    assert rows(ORDERS) == [{**KEY, "decided": "granted"}]
    assert rows(REVOCATIONS) == [{**KEY, "revoked_at_s": NOW_S + 60}]


@pytest.mark.parametrize(
    ("arrived", "flagged", "confirmed_at_s"), [(0, False, None), (1, True, NOW_S), (2, False, None)]
)
def test_a_listed_order_is_flagged_and_not_confirmed_where_the_portal_holds_it_for_delivered(
    ledger, rows, arrived, flagged, confirmed_at_s
):
    """jogos:iap.3: 1 alone means delivered."""
    settled = ledger.settle(replace(LISTED, arrived_status=arrived), listed_at_s=0)

    assert settled == Settlement(
        order_id="o1", user_id="278", product_id="1002", outcome=GrantOutcome.GRANTED, flagged=flagged
    )
    assert [row["flagged"] for row in rows(GRANTS)] == [flagged]
    assert rows(OUTBOX) == [{**KEY, "attempts": 0, "due_at_s": NOW_S, "confirmed_at_s": confirmed_at_s}]


def test_a_confirmation_that_the_portal_lost_is_due_at_once_and_counted_from_nought(ledger, rows, clock):
    """jogos:iap.3"""
    ledger.grant(PAY)
    ledger.postpone_confirmation("o1", wait_s=5)
    ledger.mark_confirmed("o1")
    confirmed = rows(OUTBOX)
    clock.now_s += 60
    ledger.settle(LISTED, listed_at_s=NOW_S + 1)

    assert confirmed == [{**KEY, "attempts": 2, "due_at_s": NOW_S + 5, "confirmed_at_s": NOW_S}]
    assert rows(OUTBOX) == [{**KEY, "attempts": 0, "due_at_s": NOW_S + 60, "confirmed_at_s": None}]


def test_a_listed_order_that_was_refunded_before_is_confirmed_to_nobody(ledger, rows):
    """jogos:iap.3, jogos:iap.4: the refund is through, and an old list does not undo it."""
    ledger.revoke(REFUND)

    settled = ledger.settle(LISTED, listed_at_s=NOW_S + 1)

    assert settled.outcome is GrantOutcome.REFUNDED_BEFORE
    assert rows(OUTBOX) == []


def test_a_purchase_writes_when_to_ask_about_it_again_and_nothing_to_report(engine, rows):
    """sandbox:chargeback-without-callback: at once, for whoever asks decides how often."""
    ledger = Ledger(engine, portal="playgama", clock=lambda: 7.25)
    ledger.create_tables()
    purchase = Purchase(order_id="o1", external_id="e1", claims={})

    settled = [ledger.grant_purchase(purchase, user_id="257", product_id="gems") for _ in range(2)]

    key = {"portal": "playgama", "game_id": "", "order_id": "o1"}
    assert settled[0] == Settlement(
        order_id="o1", user_id="257", product_id="gems", outcome=GrantOutcome.GRANTED, flagged=False
    )
    assert settled[1] == replace(settled[0], outcome=GrantOutcome.ALREADY_GRANTED)
    assert rows(PURCHASES) == [{**key, "external_id": "e1", "due_at_s": 7.25}]
    assert rows(OUTBOX) == []
    assert ledger.scope == {"portal": "playgama", "game_id": ""}
    assert ledger.now_s() == 7.25


def test_a_purchase_that_was_taken_back_names_whoever_shows_it(ledger):
    """playgama:4: nothing is told of the owner to whom it belongs no more."""
    purchase = Purchase(order_id="o1", external_id="e1", claims={})
    ledger.grant_purchase(purchase, user_id="257", product_id="gems")
    taken = ledger.revoke_purchase("o1")
    shown = ledger.grant_purchase(purchase, user_id="258", product_id="coins")

    assert taken == Settlement(
        order_id="o1", user_id="257", product_id="gems", outcome=RevokeOutcome.REVOKED, flagged=False
    )
    assert shown == Settlement(
        order_id="o1", user_id="258", product_id="coins", outcome=GrantOutcome.REFUNDED_BEFORE, flagged=False
    )


def test_a_purchase_that_nobody_was_granted_is_taken_from_nobody(ledger):
    """The twin of the test above: remembered, in case it is shown later."""
    assert ledger.revoke_purchase("o1") == Settlement(
        order_id="o1", user_id="", product_id="", outcome=RevokeOutcome.REMEMBERED, flagged=False
    )


def test_a_status_that_concerns_no_item_names_the_order_and_writes_nothing(ledger, rows):
    """jogos:iap.1.fields"""
    settled = ledger.apply(replace(REFUND, refund_status=0))

    assert settled == Settlement(
        order_id="o1", user_id="278", product_id="1002", outcome=RevokeOutcome.NOTHING, flagged=False
    )
    assert rows(ORDERS) == []


def test_the_words_of_what_is_refused(ledger):
    """What a developer reads first."""
    with pytest.raises(GameMismatch) as other_game:
        ledger.apply(replace(PAY, game_id="1221"))

    assert other_game.value.detail == "the notification is about game 1221, not 1220"
    words = r"^grant takes a payment that was not refunded; apply takes every notification$"
    with pytest.raises(ValueError, match=words):
        ledger.grant(REFUND)
    with pytest.raises(ValueError, match=r"^revoke takes a refund; apply takes every notification$"):
        ledger.revoke(PAY)


@pytest.mark.parametrize(
    ("call", "kept"),
    [
        (lambda ledger, connection: ledger.apply(PAY, connection), "granted"),
        (lambda ledger, connection: ledger.grant(PAY, connection), "granted"),
        (lambda ledger, connection: ledger.revoke(REFUND, connection), "remembered"),
        (lambda ledger, connection: ledger.revoke_purchase("o1", connection), "remembered"),
        (lambda ledger, connection: ledger.settle(LISTED, listed_at_s=0, connection=connection), "granted"),
    ],
    ids=["apply", "grant", "revoke", "revoke_purchase", "settle"],
)
def test_what_is_done_in_the_callers_transaction_is_undone_with_it(ledger, rows, call, kept):
    """Ledger and item together or not at all; the twin is committed."""
    with ledger.begin() as connection:
        call(ledger, connection)
        connection.rollback()
    undone = rows(ORDERS)
    with ledger.begin() as connection:
        done = call(ledger, connection)

    assert undone == []
    assert getattr(done, "outcome", done) == kept
    assert len(rows(ORDERS)) == 1


def test_a_grant_is_found_in_the_callers_transaction_before_it_is_committed(ledger):
    """And nowhere else until then."""
    with ledger.begin() as connection:
        ledger.grant(PAY, connection)

        assert ledger.find_grant("o1", connection) == Settlement(
            order_id="o1",
            user_id="278",
            product_id="1002",
            outcome=GrantOutcome.ALREADY_GRANTED,
            flagged=False,
        )


def test_what_a_player_holds_comes_in_the_order_of_the_products(ledger):
    """So that two answers can be compared as text; another player's things are not counted."""
    for order_id, product_id in (("o1", "b"), ("o2", "c"), ("o3", "a"), ("o4", "b")):
        ledger.grant(replace(PAY, order_id=order_id, product_id=product_id))
    ledger.grant(replace(PAY, order_id="o5", user_id="279"))

    assert list(ledger.quantities("278").items()) == [("a", 1), ("b", 2), ("c", 1)]


@pytest.mark.parametrize(
    ("portal", "game_id", "order_id"),
    [("other", "1220", "o1"), ("jogos", "1221", "o1"), ("jogos", "1220", "o2")],
)
def test_the_refund_of_another_order_takes_nothing_from_a_player(ledger, engine, portal, game_id, order_id):
    """jogos:iap.1.fields: an order is named by portal, game and id, all three."""
    other = Ledger(engine, portal=portal, game_id=game_id)
    message = replace(PAY, game_id=game_id, order_id=order_id)
    ledger.grant(PAY)
    other.grant(replace(message, user_id="999"))
    other.revoke(replace(REFUND, game_id=game_id, order_id=order_id))

    assert ledger.quantities("278") == {"1002": 1}
    assert ledger.find_grant("o1") is not None
    assert other.find_grant(order_id) is None


def test_a_backlog_is_read_in_portions_of_a_hundred_unless_told_otherwise(ledger):
    """A long backlog does not have to fit into memory."""
    with ledger.begin() as connection:
        for number in range(101):
            ledger.grant(replace(PAY, order_id=f"o{number:03}"), connection)

    assert len(ledger.pending_confirmations()) == 100
    assert len(ledger.pending_confirmations(limit=101)) == 101


def test_what_one_process_claimed_nobody_else_gets_until_its_lease_ends(ledger, clock, rows):
    """sandbox:arrived-repeat-ok: as many as asked for, the longest waiting first."""
    for order_id in ("o1", "o2", "o3"):
        ledger.grant(replace(PAY, order_id=order_id))

    claimed = ledger.claim_confirmations(limit=2, lease_s=30)

    assert [(one.order_id, one.attempts) for one in claimed] == [("o1", 0), ("o2", 0)]
    assert [row["due_at_s"] for row in rows(OUTBOX)] == [NOW_S + 30, NOW_S + 30, NOW_S]
    assert waiting(ledger) == ["o3"]
    clock.now_s += 30
    assert sorted(waiting(ledger)) == ["o1", "o2", "o3"]


def test_what_was_asked_about_too_often_is_claimed_only_without_a_bound(ledger, clock):
    """It stays pending, and a person may ask once more."""
    for order_id in ("o1", "o2"):
        ledger.grant(replace(PAY, order_id=order_id))
    for _ in range(3):
        ledger.postpone_confirmation("o1", wait_s=0)

    bounded = ledger.claim_confirmations(limit=10, lease_s=0, attempts_max=3)

    assert [one.order_id for one in bounded] == ["o2"]
    assert len(ledger.claim_confirmations(limit=10, lease_s=0, attempts_max=4)) == 2
    assert len(ledger.claim_confirmations(limit=10, lease_s=0)) == 2


def test_what_was_claimed_and_not_asked_about_is_given_back_at_once(ledger, clock, rows):
    """Another process need not wait for the lease; those that are not named stay claimed."""
    for order_id in ("o1", "o2", "o3"):
        ledger.grant(replace(PAY, order_id=order_id))
    ledger.claim_confirmations(limit=3, lease_s=30)
    clock.now_s += 1

    ledger.release_confirmations(iter(["o1", "o3"]))

    assert [row["due_at_s"] for row in rows(OUTBOX)] == [NOW_S + 1, NOW_S + 30, NOW_S + 1]


def test_the_list_moves_items_with_the_settlement_that_says_which(ledger):
    """Where the outcome is GRANTED or REVOKED, once each; nothing else moves an item."""
    moved = []
    orders = [LISTED, LISTED, LISTED_REFUND, LISTED_REFUND, replace(LISTED_REFUND, order_id="o2")]

    def move(connection, settlement) -> None:
        assert connection.in_transaction()
        moved.append(settlement)

    run = run_reconcile(ledger, SimpleNamespace(list_orders=lambda: orders), on_change=move)

    assert moved == list(run.changes)
    assert [(one.order_id, one.outcome) for one in moved] == [("o1", "granted"), ("o1", "revoked")]


def test_the_list_confirms_again_what_was_confirmed_before_it_was_made(ledger, clock):
    """jogos:iap.3: `listed_at_s` is the list's own time; that of a run is the ledger's when it begins."""
    ledger.grant(PAY)
    ledger.mark_confirmed("o1")
    ledger.settle_and_move(LISTED, listed_at_s=clock.now_s)
    assert waiting(ledger) == []
    ledger.settle_and_move(LISTED, listed_at_s=clock.now_s + 0.5)
    assert waiting(ledger) == ["o1"]

    ledger.mark_confirmed("o1")
    lister = SimpleNamespace(list_orders=lambda: [LISTED])
    run_reconcile(ledger, lister)
    assert waiting(ledger) == []
    clock.now_s += 0.5
    run_reconcile(ledger, lister)
    assert waiting(ledger) == ["o1"]


class SerializationFailure(Exception):
    """As a driver of PostgreSQL tells of it."""

    sqlstate = "40001"


class QueryCanceled(Exception):
    sqlstate = "57014"


class UndefinedTable(Exception):
    sqlstate = "42P01"


def failing(error: Exception, tries: list[int], *, until: int):
    """Work that ends in an error of the driver as often as told, and then grants."""

    def work(connection) -> str:
        tries.append(1)
        if len(tries) < until:
            raise OperationalError("INSERT", {}, error)
        return "done"

    return work


@pytest.mark.parametrize(("until", "is_done"), [(2, True), (8, True), (9, False)])
def test_work_that_the_database_undid_is_done_again_eight_times_at_most(ledger, until, is_done):
    """A serialization failure asks for it."""
    tries: list[int] = []
    work = failing(SerializationFailure(), tries, until=until)

    if is_done:
        assert ledger.transact(work) == "done"
    else:
        with pytest.raises(LedgerUnavailable) as undecided:
            ledger.transact(work)
        assert undecided.value.detail == "the ledger's database is away or busy: SerializationFailure"
    assert len(tries) == min(until, 8)


def test_work_that_met_a_busy_database_is_not_done_again(ledger):
    """Whoever asked has waited long enough."""
    tries: list[int] = []

    with pytest.raises(LedgerUnavailable) as undecided:
        ledger.transact(failing(QueryCanceled(), tries, until=9))

    assert undecided.value.detail == "the ledger's database is away or busy: QueryCanceled"
    assert len(tries) == 1


def test_work_that_is_wrong_is_neither_repeated_nor_called_an_outage(ledger):
    """The mistake is told as the database told it."""
    tries: list[int] = []

    with pytest.raises(DBAPIError) as told:
        ledger.transact(failing(UndefinedTable(), tries, until=9))

    assert isinstance(told.value.orig, UndefinedTable)
    assert len(tries) == 1


def test_the_tables_are_created_once_and_repeating_it_is_harmless(engine, ledger, rows):
    """Every process may do it when it starts."""
    ledger.grant(PAY)
    ledger.create_tables()

    assert len(rows(GRANTS)) == 1
