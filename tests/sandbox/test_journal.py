"""The journal: order, waiting, the cap, and what the store keeps of it."""

import threading

import pytest
from coinslot_contracts.wire import WireReply, WireRequest
from coinslot_sandbox import journal as journal_module
from coinslot_sandbox import journal_writer as writer_module
from coinslot_sandbox.clock import ManualClock, SystemClock
from coinslot_sandbox.journal import Crossing, Journal, JournalCap, JournalFilter
from coinslot_sandbox.journal_writer import JournalWriter
from coinslot_sandbox.store.database import Database

ANY = JournalFilter()


def _crossing(dir="in", body=b"", **members):  # noqa: A002 - the member's name
    return Crossing(
        **{
            "dir": dir,
            "endpoint": "p.e",
            "request": WireRequest(method="POST", target="/x", body=body),
            "reply": WireReply(body=b"{}"),
            "at_s": 1.0,
            "elapsed_ms": 2.0,
            **members,
        }
    )


@pytest.fixture
def open_journal(tmp_path):
    """Opens journals over one store; closes them at the end."""
    opened = []

    def make(*, secrets=(), clock=None, cap=None):
        writer = JournalWriter(Database(tmp_path / "journal.sqlite"))
        made = Journal(
            workspace="default",
            writer=writer,
            clock=clock or SystemClock(),
            secrets=lambda: secrets,
            cap=cap,
        )
        writer.start()
        opened.append(writer)
        return made

    make.stop = lambda: [writer.stop() for writer in opened]
    yield make
    make.stop()
    for writer in opened:
        writer.database.close()


def test_entries_have_the_public_shape(open_journal):
    """interface: Journal entry."""
    journal = open_journal()

    journal.append(_crossing(body=b"\xff", verdict=("200", "fine"), order_id="o"))

    (entry,) = journal.entries(after=0, limit=10, wanted=ANY)
    assert entry == {
        "seq": 1,
        "at_s": 1.0,
        "elapsed_ms": 2.0,
        "workspace": "default",
        "portal": None,
        "dir": "in",
        "endpoint": "p.e",
        "game_id": None,
        "order_id": "o",
        "user_id": None,
        "external_id": None,
        "delivery_id": None,
        "attempt": None,
        "request": {"method": "POST", "target": "/x", "headers": [], "body_b64": "/w=="},
        "reply": {"status": 200, "headers": [], "body_b64": "e30="},
        "error": None,
        "verdict": {"code": "200", "reason": "fine"},
        "fault_id": None,
        "diagnosis": None,
    }


def test_nobody_reads_past_a_number_that_is_still_open(open_journal):
    """Who has seen a later entry will never find an earlier one appear behind it."""
    journal = open_journal()
    early = journal.open()
    late = journal.append(_crossing())

    assert journal.entries(after=0, limit=10, wanted=ANY) == []
    assert journal.last_seq == 0
    journal.fill(early, _crossing())

    assert [entry["seq"] for entry in journal.entries(after=0, limit=10, wanted=ANY)] == [early, late]


def test_settling_waits_for_what_was_open_before_it(open_journal):
    """GET /journal tells everything that was journalled before it was asked."""
    journal = open_journal()
    early = journal.open()
    late = journal.append(_crossing())
    seen = []
    asking = threading.Thread(target=lambda: (journal.settle(), seen.append(journal.last_seq)))
    asking.start()

    asking.join(timeout=0.2)
    assert seen == []
    journal.fill(early, _crossing())
    asking.join(timeout=10)

    assert seen == [late]


def test_settling_does_not_wait_for_a_number_that_stays_open(open_journal):
    """After two seconds by the clock it gives up; what is stuck must not hold up the control plane."""
    clock = ManualClock()
    journal = open_journal(clock=clock)
    journal.open()
    asking = threading.Thread(target=journal.settle)
    asking.start()

    for _ in range(100):  # the thread may look at the clock after the first advance
        clock.advance(journal_module.SETTLE_S + 0.1)
        asking.join(timeout=0.1)
        if not asking.is_alive():
            break

    assert not asking.is_alive()


def test_a_number_that_is_given_up_holds_up_nobody(open_journal):
    """It stays unused."""
    journal = open_journal()
    given_up = journal.open()
    kept = journal.append(_crossing())

    journal.cancel(given_up)

    assert [entry["seq"] for entry in journal.entries(after=0, limit=10, wanted=ANY)] == [kept]
    assert journal.find(given_up) is None


def test_what_cannot_be_made_an_entry_gives_its_number_up(open_journal):
    """What fails in the writing hides nothing behind it."""
    journal = open_journal()

    with pytest.raises(TypeError):
        journal.append(_crossing(at_s="no time"))

    assert journal.append(_crossing()) == journal.last_seq == 2


def test_waiting_ends_with_the_first_entry_after_a_number(open_journal):
    """GET /journal/wait."""
    journal = open_journal()
    seq = journal.append(_crossing())
    assert journal.wait(after=seq - 1, timeout_s=0)

    waiting = threading.Thread(target=lambda: journal.append(_crossing()))
    waiting.start()
    assert journal.wait(after=seq, timeout_s=10)
    waiting.join()


def test_waiting_ends_when_time_is_up(open_journal):
    """By the sandbox's own clock, and with an answer."""
    clock = ManualClock()
    journal = open_journal(clock=clock)
    answers: list[bool] = []
    waiter = threading.Thread(target=lambda: answers.append(journal.wait(after=0, timeout_s=25)))
    waiter.start()
    while waiter.is_alive():
        clock.advance(5)
        waiter.join(0.01)

    assert answers == [False]


def test_a_stopping_sandbox_keeps_nobody_waiting(open_journal):
    """end_waits."""
    journal = open_journal()
    waiter = threading.Thread(target=lambda: journal.wait(after=0, timeout_s=600))
    waiter.start()

    journal.end_waits()

    waiter.join(5)
    assert not waiter.is_alive()


def test_the_store_keeps_the_journal(open_journal):
    """A second start reads what the first wrote, and its numbers go on."""
    first = open_journal()
    seqs = [first.append(_crossing(order_id=str(number))) for number in range(5)]
    open_journal.stop()

    second = open_journal()

    assert [entry["order_id"] for entry in second.entries(after=0, limit=10, wanted=ANY)] == list("01234")
    assert second.find(seqs[2])["order_id"] == "2"
    assert second.append(_crossing()) > seqs[-1]


def test_what_is_not_in_memory_is_read_from_the_store(open_journal, monkeypatch):
    """Old entries and filters read alike from either."""
    monkeypatch.setattr(journal_module, "RECENT_MAX", 10)
    journal = open_journal()
    for number in range(50):
        journal.append(_crossing(order_id=str(number % 2), user_id=str(number)))
    journal.flush()

    def found(**arguments):
        wanted = JournalFilter(**arguments.pop("wanted", {}))
        return [entry["user_id"] for entry in journal.entries(wanted=wanted, **arguments)]

    assert found(after=0, limit=100) == [str(number) for number in range(50)]
    assert found(after=0, limit=3) == ["0", "1", "2"]
    assert found(after=45, limit=100) == ["45", "46", "47", "48", "49"]
    assert found(after=0, limit=100, wanted={"order_id": "1"}) == [str(number) for number in range(1, 50, 2)]
    assert found(after=46, limit=100, wanted={"order_id": "1"}) == ["47", "49"]
    assert found(after=0, limit=100, wanted={"user_id": "7"}) == ["7"]
    assert found(after=0, limit=100, wanted={"dir": "out"}) == []
    assert found(after=0, limit=100, wanted={"endpoint": "p.f"}) == []


def test_the_oldest_entries_are_dropped_and_counted(open_journal):
    """The journal has a cap, and a gap says where it dropped."""
    journal = open_journal(cap=JournalCap(entries=20))
    for _ in range(60):
        journal.append(_crossing())
    journal.flush()
    journal.append(_crossing())
    journal.flush()

    kept = journal.entries(after=0, limit=100, wanted=ANY)
    assert 0 < len(kept) <= 20
    assert len(kept) + journal.dropped == 61
    assert kept[-1]["seq"] == 61
    assert [(gap.dropped, gap.before_seq) for gap in journal.gaps] == [(journal.dropped, kept[0]["seq"])]


@pytest.mark.parametrize("recent_max", [2, 2000])
def test_entries_and_gaps_are_of_one_moment(open_journal, monkeypatch, recent_max):
    """While the oldest are being dropped, no excerpt misses an entry that its gaps do not name."""
    monkeypatch.setattr(journal_module, "RECENT_MAX", recent_max)
    monkeypatch.setattr(writer_module, "GROUP_S", 0.0)
    journal = open_journal(cap=JournalCap(entries=40))
    excerpts, is_over = [], threading.Event()

    def read():
        while not is_over.is_set():
            excerpts.append(journal.excerpt(after=0, limit=1000, wanted=ANY))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(150):
        for _ in range(4):
            journal.append(_crossing())
        journal.flush()
    is_over.set()
    reader.join()

    assert len({tuple(excerpt.gaps) for excerpt in excerpts}) > 10
    for excerpt in excerpts:
        before_seq = excerpt.gaps[0].before_seq if excerpt.gaps else 1
        assert [entry["seq"] for entry in excerpt.entries][:1] in ([before_seq], [])
        assert sum(gap.dropped for gap in excerpt.gaps) == before_seq - 1


def test_the_cap_counts_bytes_too(open_journal):
    """Large bodies are dropped earlier; small ones are all kept."""
    cap = JournalCap(entries=1000, size_bytes=100_000)
    journal = open_journal(cap=cap)
    for _ in range(60):
        journal.append(_crossing())
    journal.flush()
    assert (len(journal.entries(after=0, limit=100, wanted=ANY)), journal.dropped) == (60, 0)

    for _ in range(20):
        journal.append(_crossing(body=b"x" * 30_000))
    journal.flush()

    kept = journal.entries(after=0, limit=100, wanted=ANY)
    assert 0 < len(kept) < 5
    assert len(kept) + journal.dropped == 80


def test_one_writer_writes_the_journals_of_many_workspaces(tmp_path):
    """Each has numbers of its own; one thread and one transaction serve them all."""
    database = Database(tmp_path / "journal.sqlite")
    writer = JournalWriter(database)
    made = {
        name: Journal(workspace=name, writer=writer, clock=SystemClock(), secrets=tuple) for name in "abc"
    }
    writer.start()
    for round_number in range(3):
        for name, journal in made.items():
            assert journal.append(_crossing(order_id=name)) == round_number + 1
    writer.stop()

    again = JournalWriter(database)
    for name in made:
        journal = Journal(workspace=name, writer=again, clock=SystemClock(), secrets=tuple)
        found = journal.entries(after=0, limit=10, wanted=ANY)
        assert [(entry["seq"], entry["workspace"], entry["order_id"]) for entry in found] == [
            (1, name, name),
            (2, name, name),
            (3, name, name),
        ]
        assert journal.open() == 4
    database.close()


def test_clearing_forgets_and_goes_on(open_journal):
    """POST /reset."""
    journal = open_journal()
    before = journal.append(_crossing())

    journal.clear()

    assert journal.entries(after=0, limit=10, wanted=ANY) == []
    after = journal.append(_crossing())
    assert after > before
    assert [entry["seq"] for entry in journal.entries(after=0, limit=10, wanted=ANY)] == [after]


def test_many_writers_lose_nothing(open_journal):
    """Numbers are unique and in order."""
    journal = open_journal()
    writers = [
        threading.Thread(target=lambda: [journal.append(_crossing()) for _ in range(50)]) for _ in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    seqs = [entry["seq"] for entry in journal.entries(after=0, limit=1000, wanted=ANY)]
    assert seqs == list(range(1, 401))
