"""A key without an id, kept for a while: renewed in doubt, asked for seldom, stale only where allowed."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from coinslot_contracts.errors import KeySourceUnavailable
from coinslot_contracts.portal import SigningKey
from coinslot_contracts.portals.jogos.identity import dump_public_key
from coinslot_contracts.wire import WireReply
from coinslot_testkit.fake_portal import FakePortal, serve
from coinslot_testkit.key_endpoint import KeyEndpoint
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.tokens import GAME_ID, NOW_S, encode, make_token, spki
from coinslot_verifier import (
    CachedKeys,
    IdentityVerifier,
    PublishedKeys,
    RefreshingKeySource,
    StaticKeys,
    VerifierConfig,
)
from coinslot_verifier.kept_keys import FETCH_EVERY_S, FETCHES_AT_ONCE
from coinslot_verifier.key_doubts import REMEMBERED_FOR_S, REMEMBERED_MAX

CONFIG = VerifierConfig(
    portal="jogos",
    game_id=GAME_ID,
    web_url="http://portal.example",
    allow_test_keys=True,
    key_source="cached",
)
OLD, NEW = dump_public_key(spki()), dump_public_key(spki("other"))
DOWN = WireReply(status=503)
GOOD, GOOD_UNDER_NEW = make_token(), make_token(key="other")
FORGED = GOOD[:-8] + "AAAAAAAA"


@pytest.fixture
def endpoint():
    return KeyEndpoint(WireReply(body=OLD))


@pytest.fixture
def build(endpoint, clock):
    """Make a verifier whose key is cached, with other settings where they are given."""

    def build(**changes: object) -> IdentityVerifier:
        keys = CachedKeys(replace(CONFIG, **changes), sender=endpoint, monotonic=clock)
        return IdentityVerifier(CONFIG, key_source=keys, clock=lambda: NOW_S)

    return build


def forged(number: int) -> str:
    """A token of its own whose signature fits no key."""
    return f"{GOOD.rpartition('.')[0]}.{encode(hashlib.sha512(str(number).encode()).digest() * 4)}"


def test_one_fetch_serves_every_token(build, endpoint):
    """jogos:user.2: from the configured address, whatever the tokens say."""
    verifier = build()

    assert [verifier.verify(GOOD).user_id for _ in range(5)] == ["257"] * 5
    assert endpoint.urls == ["http://portal.example/publicKey.json"]


def test_a_changed_key_is_seen_at_once_with_one_fetch(build, endpoint):
    """jogos:user.2: the signature that does not fit is the sign; the old key is then refused."""
    verifier = build()
    verifier.verify(GOOD)
    endpoint.reply = WireReply(body=NEW)

    assert verifier.verify(GOOD_UNDER_NEW).user_id == "257"
    assert len(endpoint.urls) == 2
    assert code_of(verifier.verify, GOOD) == "signature-mismatch"
    assert len(endpoint.urls) == 3


def test_a_key_that_another_token_brought_meanwhile_is_taken_without_a_fetch(endpoint, clock):
    """A login that read the old key, and found that it does not fit, when the new one was there already."""
    keys = CachedKeys(CONFIG, sender=endpoint, monotonic=clock)
    old = keys.keys_for(None)
    endpoint.reply = WireReply(body=NEW)
    brought = keys.refreshed(old, evidence=b"first")

    assert keys.refreshed(old, evidence=b"second") is brought
    assert brought is not old
    assert len(endpoint.urls) == 2


def test_a_forged_token_causes_one_fetch_and_no_second_one(build, endpoint):
    """rfc8725:3.10: what was refused under a new key is remembered as a digest."""
    verifier = build()

    codes = {code_of(verifier.verify, FORGED) for _ in range(100)}

    assert codes == {"signature-mismatch"}
    assert len(endpoint.urls) == 2


def test_a_remembered_token_is_tried_again_after_a_while_and_after_a_rotation(build, endpoint, clock):
    """A token under a key that was not yet published is no forgery for ever."""
    verifier = build()
    early = code_of(verifier.verify, GOOD_UNDER_NEW)
    endpoint.reply = WireReply(body=NEW)
    clock.now_s += REMEMBERED_FOR_S - 1
    still = code_of(verifier.verify, GOOD_UNDER_NEW)
    clock.now_s += 1

    assert (early, still) == ("signature-mismatch", "signature-mismatch")
    assert verifier.verify(GOOD_UNDER_NEW).user_id == "257"
    endpoint.reply = WireReply(body=OLD)
    assert code_of(verifier.verify, FORGED) == "signature-mismatch"
    assert verifier.verify(GOOD).user_id == "257"


def test_a_token_that_the_ration_kept_from_being_asked_about_is_not_remembered(build, endpoint, clock):
    """jogos:user.2: forged tokens used it up, then the key changed; accepted as soon as there is a place."""
    verifier = build()
    verifier.verify(GOOD)
    for number in range(FETCHES_AT_ONCE):
        code_of(verifier.verify, forged(number))
    endpoint.reply = WireReply(body=NEW)
    clock.now_s += 0.25 * FETCH_EVERY_S
    early = code_of(verifier.verify, GOOD_UNDER_NEW)
    asked = len(endpoint.urls)
    clock.now_s += 0.75 * FETCH_EVERY_S

    assert (early, asked) == ("signature-mismatch", 1 + FETCHES_AT_ONCE)
    assert verifier.verify(GOOD_UNDER_NEW).user_id == "257"


def test_the_memory_of_refused_tokens_is_bounded_and_forgets_the_oldest_refusal(endpoint, clock):
    """Whoever sends many tokens fills no memory; one that was refused anew is among the youngest."""
    keys = CachedKeys(replace(CONFIG, key_max_age_s=86_400.0), sender=endpoint, monotonic=clock)

    def refuse(*numbers: int) -> None:
        for number in numbers:
            clock.now_s += FETCH_EVERY_S
            assert keys.refreshed(keys.keys_for(None), evidence=b"%d" % number) is None

    refuse(*range(REMEMBERED_MAX))
    assert len(keys._doubts._refused) == REMEMBERED_MAX
    refuse(0)
    assert len(keys._doubts._refused) == REMEMBERED_MAX
    refuse(-1, -2)

    assert len(keys._doubts._refused) == REMEMBERED_MAX
    assert [b"%d" % number in keys._doubts._refused for number in (0, 1, 2, 3)] == [True, False, False, True]


def test_changes_of_the_key_that_strangers_could_cause_are_rationed_as_well(endpoint, clock):
    """rfc8725:3.10: a new key that a bad signature brought costs its place like any other doubt."""
    keys = CachedKeys(CONFIG, sender=endpoint, monotonic=clock)
    tried = keys.keys_for(None)
    changes = []
    for number in range(FETCHES_AT_ONCE + 1):
        endpoint.reply = WireReply(body=(NEW, OLD)[number % 2])
        found = keys.refreshed(tried, evidence=b"%d" % number)
        changes.append(found is not None)
        tried = found or tried

    assert changes == [True] * FETCHES_AT_ONCE + [False]
    assert len(endpoint.urls) == 1 + FETCHES_AT_ONCE


def test_forged_tokens_cannot_keep_the_key_from_being_renewed(build, endpoint, clock):
    """Fetches that are due by age have a ration of their own."""
    verifier = build()
    verifier.verify(GOOD)
    clock.now_s += 299.9
    for number in range(50):
        code_of(verifier.verify, forged(number))
    clock.now_s += 300.1

    assert verifier.verify(GOOD).user_id == "257"


def test_the_key_is_fetched_anew_at_its_age_and_not_before(build, endpoint, clock):
    """300 s by default."""
    verifier = build()
    verifier.verify(GOOD)
    clock.now_s += 299.9
    verifier.verify(GOOD)
    before = len(endpoint.urls)
    clock.now_s += 0.1
    verifier.verify(GOOD)

    assert (before, len(endpoint.urls)) == (1, 2)


def test_without_stale_seconds_an_outage_beyond_the_age_is_undecided(build, endpoint, clock):
    """The default: no key is used of which nobody knows whether it still is one."""
    verifier = build()
    verifier.verify(GOOD)
    endpoint.reply = DOWN
    clock.now_s += 299
    within = verifier.verify(GOOD).user_id
    clock.now_s += 1

    assert within == "257"
    with pytest.raises(KeySourceUnavailable, match="HTTP 503"):
        verifier.verify(GOOD)


def test_a_stale_key_outlasts_an_outage_for_as_long_as_configured(build, endpoint, clock):
    """With few fetches meanwhile, and anew as soon as the portal answers."""
    verifier = build(key_stale_s=600.0)
    verifier.verify(GOOD)
    endpoint.reply = DOWN
    clock.now_s += 300
    codes = {code_of(verifier.verify, GOOD) for _ in range(50)}
    asked = len(endpoint.urls)
    clock.now_s += 599.9
    late = code_of(verifier.verify, GOOD)
    clock.now_s += 0.1

    assert (codes, asked, late) == ({None}, 1 + FETCHES_AT_ONCE, None)
    assert code_of(verifier.verify, GOOD) == "key-source-unavailable"
    endpoint.reply = WireReply(body=NEW)
    clock.now_s += FETCH_EVERY_S
    assert verifier.verify(GOOD_UNDER_NEW).user_id == "257"


@pytest.mark.parametrize("stale_s", [0.0, 600.0])
def test_a_signature_that_does_not_fit_in_an_outage_is_undecided(stale_s, build, endpoint, clock):
    """jogos:user.2: nobody knows whether the key has changed; an outage is no forgery."""
    verifier = build(key_stale_s=stale_s)
    verifier.verify(GOOD)
    endpoint.reply = DOWN
    clock.now_s += 60 if not stale_s else 310

    assert code_of(verifier.verify, FORGED) == "key-source-unavailable"
    endpoint.reply = WireReply(body=OLD)
    assert code_of(verifier.verify, FORGED) == "signature-mismatch"


@pytest.mark.parametrize(
    "reply", [DOWN, WireReply(body=b"<html>"), WireReply(body=b'{"data":""}'), WireReply(status=204)], ids=str
)
def test_an_unusable_answer_replaces_nothing(reply, build, endpoint):
    """jogos:user.2: an outage's page is no key."""
    verifier = build()
    verifier.verify(GOOD)
    endpoint.reply = reply

    assert code_of(verifier.verify, FORGED) == "key-source-unavailable"
    assert verifier.verify(GOOD).user_id == "257"


def test_many_at_once_share_one_fetch_for_a_changed_key(build, endpoint):
    """Single flight: the others wait for the first, and all see the new key."""
    verifier = build()
    verifier.verify(GOOD)
    endpoint.reply = WireReply(body=NEW)
    all_here, released = threading.Barrier(8), threading.Event()
    endpoint.meanwhile = lambda: released.wait(10)

    def ask(_: int) -> str:
        all_here.wait(10)
        return verifier.verify(GOOD_UNDER_NEW).user_id

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask, number) for number in range(8)]
        released.set()
        assert [answer.result(10) for answer in answers] == ["257"] * 8

    assert len(endpoint.urls) == 2


def test_a_changed_key_may_be_a_test_key_too(endpoint, clock):
    """The check of trust holds for the key that a second look brings."""
    keys = CachedKeys(CONFIG, sender=endpoint, monotonic=clock)
    strict = IdentityVerifier(replace(CONFIG, allow_test_keys=False), key_source=keys, clock=lambda: NOW_S)
    strict._trusted_keys = keys.keys_for(None)
    endpoint.reply = WireReply(body=NEW)

    assert code_of(strict.verify, GOOD_UNDER_NEW) == "test-key-refused"


def test_the_configuration_chooses_the_source(clock):
    """jogos:user.2: "always" is the default; only the cache can be told of a doubt."""
    with serve(FakePortal()) as portal:
        chosen = {}
        for name in ("always", "cached"):
            config = replace(CONFIG, web_url=portal.url, key_source=name)
            verifier = IdentityVerifier(config, clock=lambda: NOW_S)
            for _ in range(3):
                verifier.verify(GOOD)
            chosen[name] = (type(verifier._key_source), len(portal.calls("publicKey")))
        portal.keys = [SigningKey(kid="2", algorithm="RS256", spki_der=spki("other"))]

        assert verifier.verify(GOOD_UNDER_NEW).user_id == "257"

    assert chosen == {"always": (PublishedKeys, 3), "cached": (CachedKeys, 4)}
    assert issubclass(CachedKeys, RefreshingKeySource)
    assert not issubclass(StaticKeys, RefreshingKeySource)


def test_a_redirect_to_another_host_is_an_outage():
    """The environment is pinned: no answer of the portal can choose whom we trust."""
    with serve(FakePortal()) as elsewhere, serve(FakePortal()) as portal:
        location = (("Location", f"{elsewhere.url}/publicKey.json"),)
        portal.lies["publicKey"] = lambda: WireReply(status=302, headers=location)
        verifier = IdentityVerifier(replace(CONFIG, web_url=portal.url), clock=lambda: NOW_S)

        assert code_of(verifier.verify, GOOD) == "key-source-unavailable"
        assert elsewhere.requests == []
