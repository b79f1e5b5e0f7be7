"""Which fault acts on which call, and how it is counted: order, nth, times, probability, time to live."""

import pytest
from coinslot_contracts.wire import WireReply
from coinslot_sandbox.fault_acts import changed
from coinslot_sandbox.faults import Fault, FaultBook

PLAIN = WireReply(headers=(("Content-Type", "application/json"), ("X-A", "1")), body=b"{}")


class Time:
    """The schedule's time, as a test sets it."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def time():
    """The schedule's time."""
    return Time()


@pytest.fixture
def book(time):
    """A book without faults."""
    return FaultBook(seed=7, now_s=time)


def _fault(fault_id="f", **members):
    return Fault(**{"fault_id": fault_id, "at": "p.e", "kind": "answer", **members})


def _calls(book, count, *, endpoint="p.e", order_id=None):
    """The ids of the faults that took each of so many calls."""
    taken = [book.take(endpoint=endpoint, order_id=order_id) for _ in range(count)]
    return [None if item is None else item.fault.fault_id for item in taken]


def test_the_newest_fault_that_is_meant_wins(book):
    """An order's own fault is meant only for that order, another place's for none of these calls."""
    for fault in (_fault("old"), _fault("new"), _fault("other", at="p.f"), _fault("own", order_id="o")):
        book.add(fault)

    assert _calls(book, 1, order_id="x") == ["new"]
    assert _calls(book, 1, order_id="o") == ["own"]
    assert _calls(book, 1, endpoint="p.g") == [None]
    assert {report.fault.fault_id: report.seen for report in book.list_faults()} == {
        "old": 2,
        "new": 2,
        "other": 0,
        "own": 1,
    }


def test_a_delivery_and_a_token_are_places_too(book):
    """`take` serves every place alike."""
    book.add(_fault("d", at="delivery", kind="drop", order_id="o"))
    book.add(_fault("t", at="token", kind="hostile", params={"name": "expired"}))

    assert _calls(book, 1, endpoint="delivery", order_id="o") == ["d"]
    assert _calls(book, 1, endpoint="delivery", order_id="p") == [None]
    assert book.take(endpoint="token").fault.params == {"name": "expired"}


@pytest.mark.parametrize(
    ("nth", "expected"), [((2,), [0, 1, 0, 0, 0]), ((1, 4), [1, 0, 0, 1, 0]), ((), [1, 1, 1, 1, 1])]
)
def test_nth_names_the_calls_that_are_meant(book, nth, expected):
    """Counted from 1 since the fault was set, calls that it lets pass included."""
    book.add(_fault(nth=nth))

    assert [taken == "f" for taken in _calls(book, 5)] == expected
    (report,) = book.list_faults()
    assert (report.seen, report.left, report.active) == ((5, 0, False) if nth else (5, None, True))


def test_nth_is_counted_per_order_where_the_fault_is_one_orders(book):
    """Calls about other orders do not count."""
    book.add(_fault(nth=(2,), order_id="o"))

    assert _calls(book, 3, order_id="p") == [None] * 3
    assert _calls(book, 3, order_id="o") == [None, "f", None]


def test_an_older_fault_gets_what_a_newer_one_lets_pass(book):
    """nth: 2 of the newer; the older takes the rest, and both have seen every call."""
    book.add(_fault("old"))
    book.add(_fault("new", nth=(2,)))

    assert _calls(book, 3) == ["old", "new", "old"]
    assert [report.seen for report in book.list_faults()] == [3, 3]


def test_a_probability_is_drawn_from_seed_fault_and_count():
    """The same seed and the same calls give the same outcome; another seed another."""
    outcomes = []
    for seed in (7, 7, 8):
        book = FaultBook(seed=seed, now_s=lambda: 0.0)
        book.add(_fault(probability=0.3))
        outcomes.append(_calls(book, 400))

    assert outcomes[0] == outcomes[1] != outcomes[2]
    assert all(80 < outcome.count("f") < 160 for outcome in outcomes)


@pytest.mark.parametrize(("probability", "expected"), [(0.0, 0), (1.0, 50)])
def test_a_probability_may_be_never_or_always(book, probability, expected):
    """The bounds belong to the range."""
    book.add(_fault(probability=probability))

    assert _calls(book, 50).count("f") == expected


def test_what_a_fault_draws_depends_on_the_number_of_the_call(book):
    """Latencies of one fault differ, and come again with the same seed."""
    again = FaultBook(seed=7, now_s=lambda: 0.0)
    drawn = []
    for other in (book, again):
        other.add(_fault())
        drawn.append([other.take(endpoint="p.e").chance.random() for _ in range(3)])

    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 3


def test_a_time_to_live_ends_by_the_schedules_time(book, time):
    """ttl_s: 10 acts until the tenth second."""
    book.add(_fault(ttl_s=10.0))

    assert _calls(book, 1) == ["f"]
    time.now_s += 9.9
    assert _calls(book, 1) == ["f"]
    time.now_s += 0.1
    assert _calls(book, 1) == [None]
    (report,) = book.list_faults()
    assert (report.active, report.seen, report.ends_at_s) == (False, 2, 1010.0)


def test_times_counts_what_is_taken_and_gives_back_what_missed(book):
    """times: 1 acts once under any race; a fault that could not act has not fired."""
    book.add(_fault(times=1))

    first = book.take(endpoint="p.e")
    assert book.take(endpoint="p.e") is None
    book.missed(first)
    again = book.take(endpoint="p.e")
    book.fired(again)

    (report,) = book.list_faults()
    assert (report.fired, report.left, report.active, report.seen) == (1, 0, False, 3)
    assert book.heal("f").fired == 1
    assert book.heal("f") is None


def test_a_firing_that_was_said_too_early_is_taken_back(book):
    """The bytes could not be sent after all: fired 0, and the call does not count against times."""
    book.add(_fault(times=1))
    taken = book.take(endpoint="p.e")
    book.fired(taken)
    book.missed(taken, counted=True)

    (report,) = book.list_faults()
    assert (report.fired, report.left, report.active) == (0, 1, True)


def test_a_rate_limit_lets_so_many_calls_of_a_window_pass(book, time):
    """n: 2 in 5 s; the third call is taken and told how long to wait; the next window begins anew."""
    book.add(_fault(kind="rate_limit", params={"n": 2, "window_s": 5.0}))

    assert _calls(book, 2) == [None, None]
    time.now_s += 1.5
    assert book.take(endpoint="p.e").wait_s == 3.5
    time.now_s += 3.5
    assert _calls(book, 3) == [None, None, "f"]


def test_laying_a_preset_replaces_the_last_ones_faults_alone(book):
    """A fault that was set by hand stays."""
    book.add(_fault("mine"))
    book.lay("realistic", [_fault("a"), _fault("b")])

    assert book.lay("hostile", [_fault("c")]) == ["a", "b"]
    assert [(report.fault.fault_id, report.fault.preset) for report in book.list_faults()] == [
        ("mine", None),
        ("c", "hostile"),
    ]
    assert book.preset == "hostile"
    assert book.lay("calm", []) == ["c"]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"status": 503}, WireReply(status=503)),
        ({"status": 503, "body": b"x"}, WireReply(status=503, headers=PLAIN.headers[:1], body=b"x")),
        ({"body": b"x"}, WireReply(status=200, headers=PLAIN.headers[:1], body=b"x")),
        (
            {"headers": (("x-a", "2"), ("X-B", "3"))},
            WireReply(headers=(("Content-Type", "application/json"), ("x-a", "2"), ("X-B", "3")), body=b"{}"),
        ),
        (
            {"status": 503, "headers": (("Location", "/"),)},
            WireReply(status=503, headers=(("Location", "/"),)),
        ),
    ],
)
def test_a_fault_makes_its_own_answer_of_ours(members, expected):
    """With status or body it stands in for the endpoint; with headers alone it changes the real answer."""
    assert changed({"status": None, "headers": (), "body": None, **members}, PLAIN) == expected
