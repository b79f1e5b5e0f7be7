"""What every cache of keys stands on, by the second: what is fetched, what it costs, what is used stale."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from coinslot_contracts.errors import KeySourceUnavailable
from coinslot_contracts.portals.playgama.purchase import PURCHASES
from coinslot_testkit.fake_seller import jwk, jwks, pool_key
from coinslot_verifier.kept_keys import FETCH_EVERY_S, FETCHES_AT_ONCE, KeptKeys
from coinslot_verifier.key_set import read_key_set

OLD = read_key_set(jwks(jwk(pool_key(0), kid="old")), PURCHASES)
NEW = read_key_set(jwks(jwk(pool_key(1), kid="new")), PURCHASES)
TOO_OFTEN = "the keys were asked for too often in vain; try again later"


class Portal:
    """Who is asked: what it answers, how long it takes, and how often it was asked."""

    def __init__(self) -> None:
        self.keys = OLD
        self.is_down = False
        self.asked = 0
        self.now_s = 5_000.0

    def fetch(self):
        self.asked += 1
        if self.is_down:
            raise KeySourceUnavailable("HTTP 503")
        return tuple(self.keys)

    def clock(self) -> float:
        return self.now_s


@pytest.fixture
def portal():
    return Portal()


@pytest.fixture
def kept(portal):
    return KeptKeys(portal.fetch, max_age_s=300, stale_s=0, monotonic=portal.clock)


def any_keys(keys) -> bool:
    return True


def no_keys(keys) -> bool:
    return False


def only_new(keys) -> bool:
    return keys == NEW


def problem_of(kept, do_they) -> str:
    with pytest.raises(KeySourceUnavailable) as undecided:
        kept.find(do_they)
    return undecided.value.detail


def test_keys_that_do_are_fetched_once_and_stay_the_same_object(kept, portal):
    """Equal keys are no change, so a second look that brings them is told by identity."""
    first = kept.find(any_keys)
    portal.keys = tuple(OLD)
    again = kept.find(no_keys)

    assert portal.asked == 2
    assert again is first
    assert kept.find(any_keys) is first


def test_keys_that_do_not_are_replaced_by_what_is_fetched_whether_or_not_that_does(kept, portal):
    """Whoever asked judges them."""
    kept.find(any_keys)
    portal.keys = NEW

    assert kept.find(no_keys) == NEW
    assert kept.find(any_keys) == NEW
    assert portal.asked == 2


def test_a_fetch_in_doubt_makes_the_keys_as_young_as_itself(kept, portal):
    """Their age counts from the last question."""
    kept.find(any_keys)
    portal.now_s += 299
    kept.find(no_keys)
    portal.now_s += 299
    kept.find(any_keys)

    assert portal.asked == 2


def test_doubts_that_find_what_they_look_for_cost_nothing(kept, portal):
    """And give back the one place that each took: what others used up stays used up."""
    kept.find(any_keys)
    for _ in range(FETCHES_AT_ONCE - 1):
        kept.find(no_keys)
    for keys in (NEW, OLD, NEW, OLD, NEW, OLD, NEW, OLD):
        portal.keys = keys
        assert kept.find(lambda found, keys=keys: found == keys) == keys
    before = portal.asked
    for _ in range(20):
        kept.find(no_keys)

    assert portal.asked == before + 1


def test_doubts_that_always_cost_are_rationed_even_where_they_find_it(kept, portal):
    """Where a stranger can cause the doubt and the answer alike; the twin of the test above."""
    kept.find(any_keys)
    for keys in (NEW, OLD, NEW, OLD, NEW):
        portal.keys = keys
        assert kept.look_again(lambda found, keys=keys: found == keys) == (keys, True)
    portal.keys = OLD

    assert kept.look_again(lambda found: found == OLD) == (NEW, False)
    assert portal.asked == 1 + FETCHES_AT_ONCE
    portal.now_s += FETCH_EVERY_S
    assert kept.look_again(lambda found: found == OLD) == (OLD, True)


def test_kept_keys_that_do_are_no_answer(kept, portal):
    """Somebody else asked for them."""
    kept.find(any_keys)

    assert kept.look_again(any_keys) == (OLD, False)
    assert portal.asked == 1


def test_stale_keys_are_no_answer(portal):
    """The portal was asked and said nothing."""
    kept = KeptKeys(portal.fetch, max_age_s=300, stale_s=60, monotonic=portal.clock)
    kept.find(any_keys)
    portal.is_down = True
    portal.now_s += 300

    assert kept.look_again(any_keys) == (OLD, False)
    assert portal.asked == 2


def test_what_somebody_else_had_asked_for_is_no_answer(portal):
    """The portal may have given it before our look began."""
    asked, released, looked = threading.Event(), threading.Event(), threading.Event()

    def fetch():
        asked.set()
        assert released.wait(10)
        return portal.fetch()

    def look_and_find_nothing(keys):  # called under the lock, so the fetch under way cannot end meanwhile
        looked.set()

    kept = KeptKeys(fetch, max_age_s=300, stale_s=0, monotonic=portal.clock)
    released.set()
    kept.find(any_keys)
    asked.clear()
    released.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(kept.look_again, no_keys)
        assert asked.wait(10)
        second = pool.submit(kept.look_again, look_and_find_nothing)
        assert looked.wait(10)
        released.set()

        assert (first.result(10), second.result(10)) == ((OLD, True), (OLD, False))
    assert portal.asked == 2


def test_renewals_by_age_that_succeed_cost_nothing(portal):
    """However short the age and however many there are; one place is given back for one taken."""
    kept = KeptKeys(portal.fetch, max_age_s=0.5, stale_s=0, monotonic=portal.clock)
    for _ in range(30):
        kept.find(any_keys)
        portal.now_s += 0.5
    assert portal.asked == 30

    portal.is_down = True
    for _ in range(20):
        problem_of(kept, any_keys)
    assert portal.asked == 30 + FETCHES_AT_ONCE


def test_a_place_is_gained_in_exactly_the_stated_seconds_and_all_of_them_at_most(kept, portal):
    """Five in a row, one more every ten seconds."""
    portal.is_down = True
    assert [problem_of(kept, any_keys) for _ in range(6)] == ["HTTP 503"] * FETCHES_AT_ONCE + [TOO_OFTEN]

    portal.now_s += FETCH_EVERY_S - 0.5
    assert problem_of(kept, any_keys) == TOO_OFTEN
    portal.now_s += 0.5
    assert [problem_of(kept, any_keys) for _ in range(2)] == ["HTTP 503", TOO_OFTEN]
    portal.now_s += 2.5 * FETCH_EVERY_S
    assert [problem_of(kept, any_keys) for _ in range(3)] == ["HTTP 503", "HTTP 503", TOO_OFTEN]
    portal.now_s += 0.5 * FETCH_EVERY_S
    assert [problem_of(kept, any_keys) for _ in range(2)] == ["HTTP 503", TOO_OFTEN]
    portal.now_s += 1_000 * FETCH_EVERY_S
    assert [problem_of(kept, any_keys) for _ in range(6)] == ["HTTP 503"] * FETCHES_AT_ONCE + [TOO_OFTEN]


def test_without_a_place_keys_stand_for_new_ones_until_they_are_ten_seconds_old(kept, portal):
    """Seen within FETCH_EVERY_S, so what they lack is refused; older, nobody knows."""
    kept.find(any_keys)
    portal.is_down = True
    portal.now_s += 1
    for _ in range(FETCHES_AT_ONCE):
        assert problem_of(kept, only_new) == "HTTP 503"

    portal.now_s += 8.5
    assert kept.find(only_new) == OLD
    portal.now_s += 0.5
    assert problem_of(kept, only_new) == TOO_OFTEN
    assert portal.asked == 1 + FETCHES_AT_ONCE


def test_stale_keys_are_used_in_an_outage_where_they_do_until_the_stated_second(portal):
    """Without places to ask, as well."""
    kept = KeptKeys(portal.fetch, max_age_s=300, stale_s=60, monotonic=portal.clock)
    kept.find(any_keys)
    portal.is_down = True
    portal.now_s += 300

    assert kept.find(any_keys) == OLD
    assert problem_of(kept, only_new) == "HTTP 503"
    assert portal.asked == 3
    for _ in range(10):
        assert kept.find(any_keys) == OLD
    assert problem_of(kept, only_new) == TOO_OFTEN
    portal.now_s += 59.5
    assert kept.find(any_keys) == OLD
    portal.now_s += 0.5
    assert problem_of(kept, any_keys) == "HTTP 503"


def test_fresh_keys_that_do_not_are_no_help_in_an_outage(kept, portal):
    """And are used again by whoever they do for."""
    kept.find(any_keys)
    portal.is_down = True

    assert problem_of(kept, only_new) == "HTTP 503"
    assert kept.find(any_keys) == OLD


def test_doubts_and_renewals_have_rations_of_their_own(kept, portal):
    """Whoever uses up the one does not delay the other."""
    kept.find(any_keys)
    for _ in range(20):
        kept.find(no_keys)
    portal.now_s += 300
    before = portal.asked
    kept.find(any_keys)
    assert portal.asked == before + 1

    portal.is_down = True
    portal.now_s += 300
    for _ in range(20):
        problem_of(kept, any_keys)
    assert portal.asked == before + 1 + FETCHES_AT_ONCE
    portal.is_down = False
    portal.now_s += FETCH_EVERY_S
    kept.find(any_keys)
    for _ in range(20):
        kept.find(no_keys)
    assert portal.asked == before + 2 + 2 * FETCHES_AT_ONCE
