"""One grant for an order and one revocation for a refund, in whatever order and number things arrive."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from coinslot_contracts.domain import Notification
from coinslot_contracts.errors import GameMismatch
from coinslot_testkit.ledger_facts import PAY, REFUND, waiting
from coinslot_verifier import GrantOutcome, Ledger, RevokeOutcome


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


PAY_REFUNDED = replace(PAY, refund_status=1)
"""A notification that says pay and refunded: a portal that calls every one a payment, or a late retry."""


def test_a_payment_that_says_it_was_refunded_gives_nothing_then_or_later(ledger):
    """sandbox:pay-refunded-is-refund"""
    assert [ledger.apply(PAY_REFUNDED).outcome for _ in range(2)] == ["remembered", "remembered"]
    assert ledger.grant(PAY) is GrantOutcome.REFUNDED_BEFORE
    assert ledger.quantities("278") == {}


def test_a_payment_that_says_it_was_refunded_takes_back_what_was_granted_once(ledger):
    """sandbox:pay-refunded-is-refund: from whoever was granted it, and once."""
    ledger.grant(PAY)

    settled = [ledger.apply(replace(PAY_REFUNDED, user_id="999")) for _ in range(2)]

    assert [(one.outcome, one.user_id) for one in settled] == [("revoked", "278"), ("already-revoked", "278")]
    assert ledger.revoke(REFUND) is RevokeOutcome.ALREADY_REVOKED
    assert ledger.quantities("278") == {}


def test_a_caller_that_parts_by_kind_learns_of_a_payment_that_was_refunded(ledger):
    """`grant` cannot say that something is to be taken, so it does nothing; `revoke` can."""
    ledger.grant(PAY)

    with pytest.raises(ValueError, match="not refunded"):
        ledger.grant(PAY_REFUNDED)
    assert ledger.quantities("278") == {"1002": 1}
    assert ledger.revoke(PAY_REFUNDED) is RevokeOutcome.REVOKED


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
