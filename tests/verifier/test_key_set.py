"""A key set kept for a while: found by id, seen anew when it must be, asked for seldom, stale by choice."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from coinslot_contracts.errors import KeySourceUnavailable, KidUnknown, Refused
from coinslot_contracts.portals.playgama.purchase import PURCHASES
from coinslot_contracts.wire import WireReply
from coinslot_testkit.fake_seller import jwk, jwks, pool_key
from coinslot_testkit.key_endpoint import KeyEndpoint
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.strategies import JSON_VALUES
from coinslot_verifier import CachedKeySet, StaticKeySet, VerifierConfig
from coinslot_verifier.kept_keys import FETCH_EVERY_S, FETCHES_AT_ONCE
from coinslot_verifier.key_set import read_key_set
from hypothesis import given
from hypothesis import strategies as st

CONFIG = VerifierConfig(portal="playgama", url="http://portal.example")
A, B = jwk(pool_key(0), kid="a"), jwk(pool_key(1), kid="b")
DOWN = WireReply(status=503)


@pytest.fixture
def endpoint():
    return KeyEndpoint(WireReply(body=jwks(A, B)))


@pytest.fixture
def keys(endpoint, clock):
    return CachedKeySet(CONFIG, sender=endpoint, monotonic=clock)


def kids(found) -> list[str | None]:
    return [key.kid for key in found]


def test_a_key_is_found_by_its_id_with_one_fetch_for_all(keys, endpoint):
    """rfc7515:4.1.4"""
    found = [kids(keys.keys_for(kid)) for kid in ("a", "b", "a")]

    assert found == [["a"], ["b"], ["a"]]
    assert endpoint.attempts == {CONFIG.attempts_max}
    assert endpoint.urls == ["http://portal.example/.well-known/jwks.json"]


def test_without_an_id_every_key_is_a_candidate(keys):
    """rfc7515:4.1.4: a hint, and none is none."""
    assert kids(keys.keys_for(None)) == ["a", "b"]


def test_each_key_of_a_duplicate_id_is_a_candidate(keys, endpoint):
    """rfc7517:5"""
    endpoint.publish({**A, "kid": "same"}, {**B, "kid": "same"})

    assert len(keys.keys_for("same")) == 2


def test_an_unknown_id_causes_one_fetch_that_finds_a_rotated_key(keys, endpoint):
    """rfc7515:4.1.4: the set is asked before the token is refused."""
    endpoint.publish(A)
    keys.keys_for("a")
    endpoint.publish(B)

    assert kids(keys.keys_for("b")) == ["b"]
    assert len(endpoint.urls) == 2


def test_a_key_that_left_the_set_is_unknown_after_the_next_fetch(keys, endpoint):
    """Rotation without overlap."""
    keys.keys_for("a")
    endpoint.publish(jwk(pool_key(2), kid="c"))
    keys.keys_for("c")

    assert code_of(keys.keys_for, "a") == "kid-unknown"


def test_forged_ids_cause_a_bounded_number_of_fetches(keys, endpoint, clock):
    """rfc8725:3.10: what a stranger sends does not drive our requests."""
    keys.keys_for("a")

    codes = {code_of(keys.keys_for, f"forged-{number}") for number in range(200)}

    assert codes == {"kid-unknown"}
    assert len(endpoint.urls) == 1 + FETCHES_AT_ONCE
    clock.now_s += FETCH_EVERY_S
    for number in range(20):
        code_of(keys.keys_for, f"late-{number}")
    assert len(endpoint.urls) == 2 + FETCHES_AT_ONCE


def test_known_keys_are_served_while_forged_ids_are_held_back(keys, endpoint):
    """The twin of the test above."""
    keys.keys_for("a")
    for number in range(50):
        code_of(keys.keys_for, f"forged-{number}")

    assert kids(keys.keys_for("a")) == ["a"]


def test_any_number_of_rotations_in_a_row_is_seen_at_once(keys, endpoint):
    """A fetch that found the key gives its place back."""
    for number in range(4 * FETCHES_AT_ONCE):
        endpoint.publish({**A, "kid": f"r{number}"})
        assert kids(keys.keys_for(f"r{number}")) == [f"r{number}"]

    assert len(endpoint.urls) == 4 * FETCHES_AT_ONCE


def test_a_rotated_key_is_seen_soon_after_a_flood_of_forged_ids(keys, endpoint, clock):
    """Held back for FETCH_EVERY_S seconds at most."""
    keys.keys_for("a")
    for number in range(50):
        code_of(keys.keys_for, f"forged-{number}")
    endpoint.publish(A, B, jwk(pool_key(2), kid="c"))
    early = code_of(keys.keys_for, "c")
    clock.now_s += FETCH_EVERY_S

    assert early == "kid-unknown"
    assert kids(keys.keys_for("c")) == ["c"]


def test_a_set_is_fetched_anew_at_its_age_and_not_before(keys, endpoint, clock):
    """300 s by default."""
    keys.keys_for("a")
    clock.now_s += 299.9
    keys.keys_for("a")
    assert len(endpoint.urls) == 1

    clock.now_s += 0.1
    keys.keys_for("a")
    assert len(endpoint.urls) == 2


def test_kept_keys_outlast_an_outage_until_their_age_and_no_longer(keys, endpoint, clock):
    """No key is used of which nobody knows whether it still is one."""
    keys.keys_for("a")
    endpoint.reply = DOWN
    clock.now_s += 299
    within = kids(keys.keys_for("a"))
    clock.now_s += 1

    assert within == ["a"]
    with pytest.raises(KeySourceUnavailable) as undecided:
        keys.keys_for("a")
    assert undecided.value.detail == "the key endpoint answered HTTP 503"


def test_stale_keys_outlast_an_outage_for_as_long_as_configured(endpoint, clock):
    """Not at all by default, as the test above shows."""
    keys = CachedKeySet(replace(CONFIG, key_stale_s=60.0), sender=endpoint, monotonic=clock)
    keys.keys_for("a")
    endpoint.reply = DOWN
    clock.now_s += 359.9
    late = kids(keys.keys_for("a"))
    clock.now_s += 0.1

    assert late == ["a"]
    assert code_of(keys.keys_for, "a") == "key-source-unavailable"


def test_the_age_counts_from_the_question(keys, endpoint, clock):
    """An answer may be as old as that."""
    endpoint.meanwhile = lambda: setattr(clock, "now_s", clock.now_s + 250)
    keys.keys_for("a")
    clock.now_s += 60

    keys.keys_for("a")

    assert len(endpoint.urls) == 2


@pytest.mark.parametrize(
    "reply",
    [
        DOWN,
        WireReply(status=404, body=jwks(A)),
        WireReply(body=b"<html>maintenance</html>"),
        WireReply(body=b'{"keys":[]}'),
        WireReply(body=b'{"keys":{}}'),
        WireReply(body=b"[]"),
        WireReply(body=b""),
        WireReply(body=jwks({"kty": "oct", "k": "AAAA"}, jwk(pool_key(0), kid="a", use="enc"))),
    ],
    ids=str,
)
def test_an_unusable_answer_is_undecided_and_replaces_nothing(reply, keys, endpoint):
    """rfc7517:5: an outage's page is no key set, and an empty one is none either."""
    keys.keys_for("a")
    endpoint.reply = reply

    assert code_of(keys.keys_for, "new") == "key-source-unavailable"
    assert kids(keys.keys_for("a")) == ["a"]


def test_a_cold_outage_is_undecided_with_few_fetches_and_ends_with_it(keys, endpoint, clock):
    """An outage is no forgery, and the portal is not hammered while it lasts."""
    endpoint.reply = DOWN
    codes = [code_of(keys.keys_for, "a") for _ in range(50)]
    endpoint.publish(A)
    clock.now_s += FETCH_EVERY_S

    assert set(codes) == {"key-source-unavailable"}
    assert len(endpoint.urls) == FETCHES_AT_ONCE
    assert kids(keys.keys_for("a")) == ["a"]


def test_forged_ids_during_a_long_outage_are_undecided(keys, endpoint, clock):
    """Nobody knows whether the id is new, so nothing is refused for good."""
    keys.keys_for("a")
    endpoint.reply = DOWN
    clock.now_s += 60
    for _ in range(FETCHES_AT_ONCE):
        code_of(keys.keys_for, "new")

    assert code_of(keys.keys_for, "new") == "key-source-unavailable"
    assert len(endpoint.urls) == 1 + FETCHES_AT_ONCE


def test_many_at_once_share_one_fetch_and_its_outcome(keys, endpoint):
    """Single flight: all but the first wait for the first."""
    all_here = threading.Barrier(8)
    released = threading.Event()
    endpoint.meanwhile = lambda: released.wait(10)

    def ask(_: int) -> list[str | None]:
        all_here.wait(10)
        return kids(keys.keys_for("a"))

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask, number) for number in range(8)]
        released.set()
        assert [answer.result(10) for answer in answers] == [["a"]] * 8

    assert len(endpoint.urls) == 1


def test_those_who_wait_for_a_failing_fetch_learn_that_it_failed(keys, endpoint):
    """Each gets an error of its own."""
    endpoint.reply = DOWN
    asking = threading.Event()
    released = threading.Event()
    endpoint.meanwhile = lambda: (asking.set(), released.wait(10))

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(code_of, keys.keys_for, "a")
        assert asking.wait(10)
        second = pool.submit(code_of, keys.keys_for, "a")
        endpoint.meanwhile = lambda: None
        released.set()
        codes = {first.result(10), second.result(10)}

    assert codes == {"key-source-unavailable"}


def test_a_kept_key_is_served_while_another_question_is_under_way(keys, endpoint):
    """A forged id delays nobody else."""
    keys.keys_for("a")
    asking = threading.Event()
    released = threading.Event()
    endpoint.meanwhile = lambda: (asking.set(), released.wait(10))

    with ThreadPoolExecutor(1) as pool:
        forged = pool.submit(code_of, keys.keys_for, "forged")
        assert asking.wait(10)
        served = kids(keys.keys_for("a"))
        released.set()

    assert served == ["a"]
    assert forged.result() == "kid-unknown"


def test_a_fetch_that_breaks_leaves_nobody_waiting(keys, endpoint):
    """Not even where the sender has a fault of its own."""

    def broken() -> None:
        raise ZeroDivisionError

    endpoint.meanwhile = broken
    with pytest.raises(ZeroDivisionError):
        keys.keys_for("a")
    endpoint.meanwhile = lambda: None

    assert kids(keys.keys_for("a")) == ["a"]


def test_a_key_set_in_hand_knows_its_ids():
    """For tools: nothing is fetched."""
    static = StaticKeySet(read_key_set(jwks(A, B), PURCHASES))

    assert kids(static.keys_for("b")) == ["b"]
    assert kids(static.keys_for(None)) == ["a", "b"]
    with pytest.raises(KidUnknown) as refused:
        static.keys_for("c")
    assert refused.value.detail == "the portal's key set has no key of the token's kid"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"keys":[]}', "the key set holds no usable key"),
        (jwks({"kty": "oct", "k": "AAAA"}), "the key set holds no usable key"),
    ],
    ids=["empty", "nothing of use"],
)
def test_the_words_about_a_set_of_no_use(body, says):
    """rfc7517:5: what operations reads first."""
    with pytest.raises(KeySourceUnavailable) as undecided:
        read_key_set(body, PURCHASES)

    assert undecided.value.detail == says


def test_a_body_that_is_no_key_set_is_told_in_the_words_of_who_read_it():
    """And as an outage, although the reading refused it: nothing is known of the key."""
    body = b"<html>maintenance</html>"
    with pytest.raises(Refused) as refused:
        PURCHASES.parse_keys(body)
    with pytest.raises(KeySourceUnavailable) as undecided:
        read_key_set(body, PURCHASES)

    assert undecided.value.detail == refused.value.detail


@given(st.binary() | JSON_VALUES.map(lambda value: json.dumps({"keys": [value]}).encode()))
def test_any_bytes_are_a_key_set_or_undecided(body):
    """A portal's fault is never an exception of another kind."""
    assert code_of(read_key_set, body, PURCHASES) in (None, "key-source-unavailable")
