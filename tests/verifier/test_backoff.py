"""Waits that grow to a cap, spread by chance."""

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
