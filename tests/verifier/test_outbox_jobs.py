"""The jobs: what is pending is confirmed once, and what nobody told us of is made up for."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from coinslot_contracts.domain import Purchase
from coinslot_contracts.errors import (
    ConfirmUnavailable,
    FieldInvalid,
    LedgerUnavailable,
    PurchaseNotPaid,
    SignatureMismatch,
)
from coinslot_testkit.ledger_facts import LISTED, LISTED_REFUND, PAY, waiting
from coinslot_verifier import Backoff, Ledger, run_outbox, run_recheck, run_reconcile

STEADY = Backoff(first_s=4, factor=2, cap_s=10, jitter=0)


class Client:
    """The portal: what it says of an order, yes where nothing is said, and what it was told."""

    def __init__(self, listed=()) -> None:
        self.says: dict[str, Exception] = {}
        self.told: list[str] = []
        self.listed = listed
        self.lock = threading.Lock()

    def confirm(self, order_id: str) -> None:
        with self.lock:
            self.told.append(order_id)
        if order_id in self.says:
            raise self.says[order_id]

    def list_orders(self):
        for row in self.listed:
            if isinstance(row, Exception):
                raise row
            yield row


DOWN = ConfirmUnavailable("HTTP 503")
NO = SignatureMismatch("41007")


def grant(ledger, count: int) -> None:
    for number in range(count):
        ledger.grant(replace(PAY, order_id=f"o{number:03}"))


def test_a_run_confirms_what_is_pending_once(ledger):
    """jogos:iap.2"""
    grant(ledger, 25)
    client = Client()

    runs = [run_outbox(ledger, client) for _ in range(2)]

    assert [(run.confirmed, run.is_done) for run in runs] == [(25, True), (0, True)]
    assert client.told == [f"o{number:03}" for number in range(25)]
    assert ledger.next_due_at_s() is None


def test_a_failure_is_tried_again_later_and_later_up_to_the_cap(ledger, clock):
    """sandbox:order-unknown-500: any code but success is not confirmed."""
    grant(ledger, 1)
    client, waits = Client(), []
    client.says["o000"] = DOWN

    for _ in range(4):
        run = run_outbox(ledger, client, backoff=STEADY)
        assert (run.undecided, run.codes, run.is_done) == (1, (("confirm-unavailable", 1),), True)
        waits.append(ledger.next_due_at_s() - clock.now_s)
        assert run_outbox(ledger, client, backoff=STEADY).undecided == 0
        clock.now_s = ledger.next_due_at_s()
    client.says.clear()

    assert waits == [4, 8, 10, 10]
    assert run_outbox(ledger, client).confirmed == 1


def test_a_refusal_is_counted_as_such_and_tried_again_too(ledger, clock):
    """A wrong key may be put right; until then it hides nobody else."""
    grant(ledger, 5)
    client, heard = Client(), []
    client.says = {f"o{number:03}": NO for number in range(4)}

    run = run_outbox(
        ledger,
        client,
        backoff=STEADY,
        on_answer=lambda *told: heard.append((told[0], told[1] and told[1].code)),
    )

    assert (run.refused, run.confirmed, run.codes) == (4, 1, (("signature-mismatch", 4),))
    assert heard[3:] == [("o003", "signature-mismatch"), ("o004", None)]
    clock.now_s += 4
    client.says.clear()
    assert run_outbox(ledger, client).confirmed == 4


def test_an_outage_ends_a_run_and_gives_back_what_it_had_claimed(ledger):
    """Three questions without an answer, not a thousand; the others are due at once."""
    grant(ledger, 25)
    client = Client()
    client.says = {f"o{number:03}": DOWN for number in range(25)}

    run = run_outbox(ledger, client)

    assert (run.undecided, run.is_done) == (3, False)
    assert len(waiting(ledger)) == 22


def test_orders_that_are_never_acknowledged_stand_in_nobodys_way(ledger, clock):
    """sandbox:order-unknown-500: three of them end a run as an outage would; a fresh one comes first."""
    grant(ledger, 30)
    client = Client()
    client.says = {f"o{number:03}": DOWN for number in range(30)}
    while len(client.told) < 30:
        run_outbox(ledger, client, backoff=STEADY)
    clock.now_s += 10_000
    ledger.grant(replace(PAY, order_id="fresh"))

    run = run_outbox(ledger, client, backoff=STEADY)

    assert (run.confirmed, run.undecided) == (1, 3)
    assert client.told[30] == "fresh"


@pytest.mark.parametrize(("limit", "left"), [(0, 25), (7, 18), (13, 12)])
def test_a_run_is_bounded_by_number(ledger, limit, left):
    """The rest is due for the next run."""
    grant(ledger, 25)

    run = run_outbox(ledger, Client(), limit=limit)

    assert (run.confirmed, run.is_done) == (limit, False)
    assert len(waiting(ledger)) == left


def test_a_run_is_bounded_by_time(ledger):
    """No question is begun after the limit."""
    grant(ledger, 25)
    ticks = iter(range(100))

    run = run_outbox(ledger, Client(), time_limit_s=5, monotonic=lambda: next(ticks))

    assert (run.confirmed, run.is_done) == (4, False)
    assert len(waiting(ledger)) == 21


def test_an_order_that_failed_too_often_is_left_alone_and_stays_pending(ledger, clock):
    """Where the caller wants an end; a list that says it is not delivered begins anew."""
    grant(ledger, 1)
    client = Client()
    client.says["o000"] = DOWN
    for _ in range(5):
        run_outbox(ledger, client, attempts_max=3)
        clock.now_s += 10_000

    assert len(client.told) == 3
    assert [pending.attempts for pending in ledger.pending_confirmations()] == [3]


def test_several_runs_at_once_share_the_work(ledger):
    """Nobody is told twice while nobody dies."""
    grant(ledger, 60)
    client, barrier = Client(), threading.Barrier(4)

    def run(_: int) -> int:
        barrier.wait(10)
        return run_outbox(ledger, client).confirmed

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 60
    assert sorted(client.told) == [f"o{number:03}" for number in range(60)]


def test_what_a_dead_run_had_claimed_comes_back_when_its_lease_ends(ledger, clock):
    """A kill between claim and answer; telling twice is harmless (sandbox:arrived-repeat-ok)."""
    grant(ledger, 3)
    ledger.claim_confirmations(limit=2, lease_s=120)
    client = Client()

    assert run_outbox(ledger, client).confirmed == 1
    clock.now_s += 119
    assert run_outbox(ledger, client).confirmed == 0
    clock.now_s += 1
    assert run_outbox(ledger, client).confirmed == 2


def test_a_late_failure_does_not_reopen_what_another_run_confirmed(ledger, clock):
    """The slow one comes back after its lease ended."""
    grant(ledger, 1)
    ledger.mark_confirmed("o000")
    ledger.postpone_confirmation("o000", wait_s=0)
    ledger.release_confirmations(["o000"])

    assert ledger.next_due_at_s() is None


def test_a_bug_in_the_client_loses_no_claim(ledger):
    """The error leaves; what was not asked about is due at once."""
    grant(ledger, 5)
    client = Client()
    client.says["o001"] = ZeroDivisionError()

    with pytest.raises(ZeroDivisionError):
        run_outbox(ledger, client)

    assert waiting(ledger) == ["o002", "o003", "o004"]


def test_the_list_makes_up_for_lost_notifications(ledger):
    """jogos:iap.3"""
    ledger.grant(replace(PAY, order_id="refunded"))
    client = Client([LISTED, replace(LISTED_REFUND, order_id="refunded"), replace(LISTED, order_id="o3")])
    moved = []

    runs = [
        run_reconcile(ledger, client, on_change=lambda _, change: moved.append(str(change.outcome)))
        for _ in range(2)
    ]

    assert [(run.listed, len(run.changes), run.is_complete) for run in runs] == [(3, 3, True), (3, 0, True)]
    assert moved == ["granted", "revoked", "granted"]
    assert waiting(ledger) == ["o1", "o3"]


@pytest.mark.parametrize(("end", "code"), [(DOWN, "confirm-unavailable"), (NO, "signature-mismatch")])
def test_a_list_that_breaks_off_settles_what_was_read(ledger, end, code):
    """The run says so, and the next one reads the rest."""
    run = run_reconcile(ledger, Client([LISTED, end]))

    assert (run.listed, run.is_complete, run.code) == (1, False, code)
    assert ledger.quantities("278") == {"1002": 1}


def test_an_item_that_cannot_be_given_is_held_and_hides_no_other(ledger):
    """An unknown product, say: nothing is granted at random, and nothing is lost."""
    client = Client([replace(LISTED, order_id=name) for name in ("bad", "good")])

    def move(_, change) -> None:
        if change.order_id == "bad":
            raise FieldInvalid("no such product")

    first = run_reconcile(ledger, client, on_change=move)
    second = run_reconcile(ledger, client)

    assert first.held == (("bad", "field-invalid"),)
    assert [change.order_id for change in first.changes] == ["good"]
    assert [change.order_id for change in second.changes] == ["bad"]


def test_a_ledger_that_is_away_ends_the_run_and_what_was_changed_is_told(ledger):
    """It is not the order's fault, and nobody else will tell of what was committed before."""

    def move(_, change) -> None:
        if change.order_id == "o2":
            raise LedgerUnavailable("away")

    run = run_reconcile(
        ledger, Client([replace(LISTED, order_id=f"o{number}") for number in (1, 2, 3)]), on_change=move
    )

    assert [change.order_id for change in run.changes] == ["o1"]
    assert (run.listed, run.held, run.is_complete, run.code) == (2, (), False, "ledger-unavailable")
    assert ledger.quantities("278") == {"1002": 1}


def test_several_lists_at_once_grant_each_order_once(ledger):
    """Cron jobs overlap."""
    rows = [replace(LISTED, order_id=f"o{number}") for number in range(20)]
    barrier = threading.Barrier(3)

    def run(_: int) -> int:
        barrier.wait(10)
        return len(run_reconcile(ledger, Client(rows)).changes)

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(run, range(3))) == 20


class Judge:
    """Who confirms purchases: says no to those named, and waits for others once where told to."""

    def __init__(self, refused=()) -> None:
        self.refused, self.asked = set(refused), []

    def confirm(self, purchase) -> None:
        self.asked.append(purchase.order_id)
        if purchase.order_id in self.refused:
            raise PurchaseNotPaid("charged back")


def test_several_rechecks_at_once_share_the_work(engine, clock):
    """sandbox:chargeback-without-callback: each purchase is asked about once, and taken back once."""
    ledger = Ledger(engine, portal="playgama", clock=clock)
    ledger.create_tables()
    for number in range(12):
        purchase = Purchase(order_id=f"o{number}", external_id=f"e{number}", claims={})
        ledger.grant_purchase(purchase, user_id="1", product_id="gems")
    judge, barrier = Judge({"o3", "o7"}), threading.Barrier(3)

    def run(_: int) -> list[str]:
        barrier.wait(10)
        return [change.order_id for change in run_recheck(ledger, judge, limit=5)]

    with ThreadPoolExecutor(3) as pool:
        taken = [name for names in pool.map(run, range(3)) for name in names]

    assert sorted(taken) == ["o3", "o7"]
    assert len(judge.asked) == len(set(judge.asked)) == 12
    assert run_recheck(ledger, judge) == []
    assert ledger.quantities("1") == {"gems": 10}
