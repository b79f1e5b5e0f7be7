"""What a killed process and a full disk cost: the journal's last moments, never an order or an attempt."""

import json
import signal
import threading
import time

import pytest
import urllib3
from coinslot_contracts.wire import WireReply, WireRequest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_sandbox.clock import SystemClock
from coinslot_sandbox.delivery import attempts
from coinslot_sandbox.journal import Crossing, Journal, JournalCap, JournalFilter
from coinslot_sandbox.journal_writer import JournalWriter
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.tables import JOURNAL
from coinslot_testkit.full_store import Fullness
from coinslot_testkit.recording_backend import Says
from coinslot_testkit.sandbox_client import SandboxClient
from coinslot_testkit.sandbox_process import SandboxProcess
from coinslot_testkit.waiting import until
from sqlalchemy import event, func, select

ANY = JournalFilter()
GROUP_S = 0.05
STALL_S = 1.0
"""How long a busy machine may keep a thread from running; added to what is promised."""


def _crossing(**members):
    return Crossing(
        **{
            "dir": "in",
            "endpoint": "p.e",
            "request": WireRequest(method="POST", target="/x", body=b"x" * 500),
            "reply": WireReply(body=b"{}"),
            "at_s": 1.0,
            "elapsed_ms": 2.0,
            **members,
        }
    )


def _stored(database, workspace="default"):
    with database.read() as connection:
        here = JOURNAL.c.workspace == workspace
        return connection.scalar(select(func.count()).select_from(JOURNAL).where(here))


@pytest.fixture
def journal(tmp_path):
    """A journal with its writer running, and the store."""
    database = Database(tmp_path / "journal.sqlite")
    writer = JournalWriter(database)
    made = Journal(
        workspace="default",
        writer=writer,
        clock=SystemClock(),
        secrets=tuple,
        cap=JournalCap(entries=1000),
    )
    writer.start()
    yield made, database
    writer.stop()
    database.close()


def test_an_entry_is_in_the_store_within_fifty_milliseconds(journal):
    """Group commit: the median of lone entries is within 50 ms, and a burst is few transactions."""
    made, database = journal
    waits_s = []
    for number in range(20):
        began_s = time.monotonic()
        made.append(_crossing())
        until(lambda goal=number + 1: _stored(database) == goal)
        waits_s.append(time.monotonic() - began_s)
    commits = []
    event.listen(database.engine, "commit", commits.append)
    for _ in range(500):
        made.append(_crossing())
    made.flush()

    assert sorted(waits_s)[10] <= GROUP_S * 1.5
    assert len(commits) <= 20


def test_a_killed_process_loses_the_last_moments_of_its_journal_and_nothing_else(backend, tmp_path):
    """Every order that was answered is there, and is delivered; so is every entry older than 50 ms."""
    store = tmp_path / "kept.sqlite"
    settings = {"store": str(store), "seed": 7, "callback_url": backend.url, "retry": "fast"}
    answered = []
    with SandboxProcess(**settings) as process:
        client = SandboxClient(process.ready)
        player, product = client.player(username="someone"), client.product()
        killing = threading.Timer(0.1, lambda: process.process.send_signal(signal.SIGKILL))
        try:
            while True:
                made = client.done("POST", "/orders", {"player": player, "product": product, "paid": True})
                answered.append((time.time(), made["order"]["order_id"], made["delivery"]["delivery_id"]))
                if len(answered) == 40:
                    killing.start()
        except urllib3.exceptions.HTTPError:
            died_s = time.time()
        process.wait()
        client.pool.clear()

    with SandboxProcess(**settings) as process:
        client = SandboxClient(process.ready)
        orders = {order["order_id"] for order in client.done("GET", "/orders?limit=10000")["orders"]}
        kept = {
            entry["reply"]["json"]["order"]["order_id"]
            for entry in client.journal(endpoint="POST /orders", limit=10000)
        }
        lost = [died_s - at_s for at_s, order_id, _ in answered if order_id not in kept]
        assert len(answered) >= 40
        assert {order_id for _, order_id, _ in answered} <= orders
        assert max(lost, default=0) <= GROUP_S + STALL_S
        for _, _, delivery_id in answered:
            detail = client.await_delivery(delivery_id, "delivered")
            assert detail["attempts"][-1]["ack"]["accepted"]
        new = client.journal(after=0, limit=1)[0]["seq"]
        client.player(username="later")
        seqs = [entry["seq"] for entry in client.journal(after=new, limit=10000)]
        assert seqs == sorted(set(seqs))
        client.pool.clear()


def test_a_number_that_was_given_out_is_not_given_out_again_after_a_kill(tmp_path):
    """An attempt names its entry by number: what was lost stays lost and is not taken for another."""
    database = Database(tmp_path / "journal.sqlite")
    writer = JournalWriter(database)
    first = Journal(workspace="default", writer=writer, clock=SystemClock(), secrets=tuple)
    writer.start()
    first.append(_crossing())
    first.flush()
    lost = [first.open() for _ in range(50)]  # never written: the process is gone

    again = Journal(workspace="default", writer=JournalWriter(database), clock=SystemClock(), secrets=tuple)

    assert again.open() > lost[-1]
    writer.stop()
    database.close()


def test_what_was_forgotten_before_it_was_written_is_not_written_later(journal):
    """DELETE /journal between two groups."""
    made, database = journal
    for _ in range(20):
        made.append(_crossing())

    made.clear()
    kept = made.append(_crossing())
    made.flush()

    assert [entry["seq"] for entry in made.entries(after=0, limit=100, wanted=ANY)] == [kept]
    assert _stored(database) == 1


def test_a_store_that_is_full_for_a_while_costs_no_entry(journal):
    """The entries wait in memory, the trouble is told, and they are written when there is space."""
    made, database = journal
    fullness = Fullness(database)
    made.append(_crossing(order_id="before"))
    made.flush()

    fullness.fill()
    until(lambda: made.append(_crossing(order_id="during")) and made.trouble is not None)
    trouble = made.trouble
    assert trouble.code == "store-full"
    assert trouble.waiting > 0
    seen = made.entries(after=0, limit=10_000, wanted=ANY)
    fullness.empty()
    until(lambda: made.trouble is None)

    assert [entry["seq"] for entry in seen] == list(range(1, len(seen) + 1))
    assert _stored(database) == len(seen)
    assert made.dropped == 0


def test_what_exceeds_memory_while_the_store_is_full_leaves_a_gap(journal):
    """Not silently: counted, and marked where it was."""
    made, database = journal
    fullness = Fullness(database)
    made.append(_crossing())
    made.flush()
    fullness.fill()
    until(lambda: made.append(_crossing()) and made.trouble is not None)
    for _ in range(1500):
        made.append(_crossing())
    until(lambda: made.dropped > 0)
    fullness.empty()
    until(lambda: made.trouble is None)
    made.flush()

    kept = [entry["seq"] for entry in made.entries(after=0, limit=10_000, wanted=ANY)]
    assert len(kept) + made.dropped == made.last_seq
    assert made.gaps[-1].before_seq in kept
    assert made.gaps[-1].before_seq - 1 not in kept
    again = Journal(workspace="default", writer=JournalWriter(database), clock=SystemClock(), secrets=tuple)
    assert again.gaps == made.gaps


def test_a_store_that_is_full_at_the_end_does_not_hold_up_the_end(tmp_path):
    """What cannot be written is lost with the process; stopping says so by ending."""
    database = Database(tmp_path / "journal.sqlite")
    writer = JournalWriter(database)
    made = Journal(workspace="default", writer=writer, clock=SystemClock(), secrets=tuple)
    writer.start()
    Fullness(database).fill()
    until(lambda: made.append(_crossing()) and made.trouble is not None)

    writer.stop()

    database.close()


@pytest.fixture
def filling(backend, tmp_path):
    """A client of a sandbox whose store can be filled, and what fills it."""
    settings = SandboxSettings(
        port=0, control_port=0, seed=7, store=tmp_path / "kept.sqlite", callback_url=backend.url, retry="fast"
    )
    with Sandbox(settings) as sandbox:
        client = SandboxClient(sandbox.ready)
        yield client, Fullness(sandbox.workspaces.common.database)
        client.pool.clear()


def _fill(client, fullness):
    """Make calls until one is refused because the store is full; the orders that were acknowledged."""
    player, product = client.player(username="someone"), client.product()
    wish = {"player": player, "product": product, "paid": True, "external_id": "x" * 1000}
    acknowledged = [client.done("POST", "/orders", wish)]
    fullness.fill()
    for _ in range(500):
        reply = client.control("POST", "/orders", wish)
        if reply.status != 201:
            return acknowledged, reply
        acknowledged.append(reply.json)
    raise AssertionError("the store never was full")


def test_a_full_disk_loses_nothing_that_was_acknowledged(filling, backend):
    """507 `store-full` instead of a yes; what was answered yes is there, and the state says what happened."""
    client, fullness = filling
    acknowledged, refused = _fill(client, fullness)

    assert (refused.status, refused.json["code"]) == (507, "store-full")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert int(refused.headers["Retry-After"]) >= 1
    assert client.control("GET", "/orders").status == 200
    until(lambda: client.done("GET", "/journal")["trouble"] is not None)
    trouble = client.done("GET", "/journal")["trouble"]
    assert trouble["code"] == "store-full"
    told = client.journal(endpoint="POST /orders", status="507")
    assert told[0]["reply"]["json"]["code"] == "store-full"

    fullness.empty()
    for made in acknowledged:
        client.await_delivery(made["delivery"]["delivery_id"], "delivered")
    until(lambda: client.done("GET", "/journal")["trouble"] is None)
    after = client.order(paid=True)
    client.await_delivery(after["delivery"]["delivery_id"], "delivered")
    orders = [order["order_id"] for order in client.done("GET", "/orders?limit=10000")["orders"]]
    assert orders == [made["order"]["order_id"] for made in (*acknowledged, after)]
    assert client.done("GET", "/journal")["dropped"] == 0
    _check_attempts(client, backend, [made["delivery"]["delivery_id"] for made in (*acknowledged, after)])


def _check_attempts(client, backend, delivery_ids):
    """What the backend saw is what is recorded: no attempt is lost, none invented."""
    seen = [json.loads(arrival.body)["orderId"] for arrival in backend.arrivals]
    recorded = []
    for delivery_id in delivery_ids:
        detail = client.done("GET", f"/deliveries/{delivery_id}")
        recorded += [detail["order_id"]] * len(detail["attempts"])
    assert sorted(recorded) == sorted(seen)


def test_an_attempt_of_the_schedule_is_kept_in_hand_until_it_is_recorded(filling, backend, monkeypatch):
    """The disk fills up while the backend answers: what it acknowledged is recorded later, not sent again."""
    monkeypatch.setattr(attempts, "KEEP_S", 0.0)
    client, fullness = filling
    answering = threading.Event()
    backend.answer_with(Says(after=answering))
    delivery_id = client.order(paid=True)["delivery"]["delivery_id"]
    backend.wait_for(1)
    fullness.fill()
    wish = {"player": client.done("GET", "/players")["players"][0]["user_id"], "product": "1002"}
    while client.control("POST", "/orders", {**wish, "external_id": "x" * 1000}).status == 201:
        pass
    answering.set()
    until(lambda: client.done("GET", "/journal")["trouble"] is not None)
    client.done("GET", f"/journal/wait?after={client.done('GET', '/journal')['last_seq']}&timeout_s=1")
    fullness.empty()

    detail = client.await_delivery(delivery_id, "delivered")

    assert len(detail["attempts"]) == len(backend.arrivals) == 1
    assert (
        client.done("GET", f"/journal/{detail['attempts'][0]['journal_seq']}")["delivery_id"] == delivery_id
    )


def test_a_report_that_cannot_be_stored_is_not_acknowledged(filling):
    """arrivedorder: an error that the game repeats, not a yes that is forgotten."""
    client, fullness = filling
    acknowledged, _ = _fill(client, fullness)
    order_id = acknowledged[0]["order"]["order_id"]

    replies = [client.arrived(made["order"]["order_id"]) for made in acknowledged]
    fullness.empty()

    for made, reply in zip(acknowledged, replies, strict=True):
        order = client.done("GET", f"/orders/{made['order']['order_id']}")["order"]
        assert (order["arrivedStatus"] == 1) is (reply.json["code"] == "200")
    assert client.arrived(order_id).json["code"] == "200"
    assert client.done("GET", f"/orders/{order_id}")["order"]["arrivedStatus"] == 1


def test_an_attempt_that_cannot_be_recorded_is_told_by_the_journal(filling, backend):
    """Resend: the bytes are out, so the call is refused, and the journal keeps what crossed the wire."""
    client, fullness = filling
    delivery_id = client.order(paid=True)["delivery"]["delivery_id"]
    client.await_delivery(delivery_id, "delivered")
    before = client.done("GET", f"/deliveries/{delivery_id}")
    _fill(client, fullness)
    for _ in range(100):
        reply = client.control("POST", f"/deliveries/{delivery_id}/resend", {})
        if reply.status != 200:
            break
    made = len(client.done("GET", f"/deliveries/{delivery_id}")["attempts"])

    assert (reply.status, reply.json["code"]) == (507, "store-full")
    (told,) = client.journal(delivery_id=delivery_id, body=before["order_id"], dir="out", after=0)[made:]
    assert "the attempt is not recorded" in told["error"]
    assert told["reply"]["status"] == 200
    fullness.empty()
    assert client.done("POST", f"/deliveries/{delivery_id}/resend", {})["attempts_made"] == made + 1
