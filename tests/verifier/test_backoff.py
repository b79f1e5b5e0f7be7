"""Waits that grow to a cap, spread by chance."""

import math

import pytest
from coinslot_verifier import Backoff
from hypothesis import given
from hypothesis import strategies as st

PLAIN = Backoff(first_s=2, factor=3, cap_s=100, jitter=0)


def test_each_wait_is_longer_up_to_the_cap():
    """2, 6, 18, 54, and 100 for ever."""
    waits = [PLAIN.wait_s(failures, drawn=0.5) for failures in (1, 2, 3, 4, 5, 6, 10**9)]

    assert waits == [2, 6, 18, 54, 100, 100, 100]


def test_chance_shortens_a_wait_by_at_most_its_share():
    """A quarter here: what failed together does not come back together."""
    backoff = Backoff(first_s=8, factor=1, cap_s=8, jitter=0.25)

    assert [backoff.wait_s(10**9, drawn=drawn) for drawn in (0.0, 0.5, 1.0)] == [8, 7, 6]


@given(st.integers(1, 10**6), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_above_zero_and_never_above_the_cap(failures, drawn):
    """With the defaults."""
    assert 0 < Backoff().wait_s(failures, drawn=drawn) <= 3_600


def by_steps(backoff: Backoff, failures: int) -> float:
    """The wait as its description says it: first_s times factor and so on, at most cap_s."""
    wait_s = backoff.first_s
    for _ in range(failures - 1):
        wait_s *= backoff.factor
    return min(wait_s, backoff.cap_s)


@given(st.integers(1, 60), st.floats(1e-3, 1e3), st.floats(1, 1e4), st.floats(1e3, 1e9))
def test_a_wait_is_what_its_steps_lead_to(failures, first_s, factor, cap_s):
    """In one calculation; the last digits may differ."""
    backoff = Backoff(first_s=first_s, factor=factor, cap_s=cap_s, jitter=0)

    assert backoff.wait_s(failures, drawn=0) == pytest.approx(by_steps(backoff, failures), rel=1e-12)


NEXT_TO_ONE = math.nextafter(1.0, 2.0)


@pytest.mark.parametrize(
    ("numbers", "failures", "wait_s"),
    [
        ({"factor": 1 + 1e-9}, 20_000_000, math.exp(0.02)),
        ({"factor": NEXT_TO_ONE}, 10**6, 1.0),
        ({"factor": NEXT_TO_ONE}, 10**400, 3_600.0),
        ({"factor": 1.0}, 10**400, 1.0),
        ({"factor": 1.7e308}, 10**400, 3_600.0),
        ({"factor": 2.0, "first_s": 5e-324, "cap_s": 1.7e308}, 10**400, 1.7e308),
        ({"factor": NEXT_TO_ONE, "first_s": 5e-324, "cap_s": 1.7e308}, 10**400, 1.7e308),
        ({"factor": 1e3, "first_s": 1e-300, "cap_s": 1e300}, 191, 1e270),
    ],
)
def test_no_numbers_take_long_or_overflow(numbers, failures, wait_s):
    """However many failures, and however near to 1 the factor."""
    backoff = Backoff(jitter=0, **numbers)

    assert backoff.wait_s(failures, drawn=0) == pytest.approx(wait_s, rel=1e-6)


@pytest.mark.parametrize(
    "numbers",
    [
        {"first_s": 0},
        {"first_s": 10, "cap_s": 9},
        {"cap_s": float("inf")},
        {"factor": 0.5},
        {"factor": float("inf")},
        {"factor": float("nan")},
        {"jitter": -0.1},
        {"jitter": 1.1},
    ],
)
def test_numbers_that_make_no_backoff_are_refused(numbers):
    """At the start, not at the first failure."""
    with pytest.raises(ValueError, match="a backoff needs"):
        Backoff(**numbers)
