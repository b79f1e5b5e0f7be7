"""The key ring by itself: what the seed picks, what is generated, what the pool can do."""

import dataclasses
import hashlib

import pytest
from coinslot_contracts.portal import discover
from coinslot_contracts.test_keys import test_key_digests as known_digests
from coinslot_sandbox.clock import SystemClock
from coinslot_sandbox.key_material import key_source
from coinslot_sandbox.keys import KeyRing, RotationRefused
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.shop import Shop


@pytest.fixture
def database(tmp_path):
    """A store of its own."""
    opened = Database(tmp_path / "keys.sqlite")
    yield opened
    opened.close()


def _ring(database, *, seed=7, fresh_keys=False, portal=None):
    portal = portal or discover()["jogos"]
    return KeyRing(
        portal=portal,
        source=key_source(portal=portal.name, portals=[portal.name], seed=seed, fresh_keys=fresh_keys),
        database=database,
        shop=Shop("default"),
        clock=SystemClock(),
    )


def _digest(ring, record):
    return hashlib.sha256(ring.public(record).spki_der).hexdigest()


def test_keys_come_from_the_pool_that_the_verifier_refuses(database):
    """interface: test keys are refused unless somebody says that it is a test."""
    ring = _ring(database)

    assert {_digest(ring, ring.current), _digest(ring, ring.stranger)} <= known_digests()
    assert ring.current.kid != ring.stranger.kid


def test_the_seed_picks_the_key(tmp_path):
    """The same seed, the same key; another seed, another."""
    kids = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        opened = Database(tmp_path / name)
        kids.append(_ring(opened, seed=seed).current.kid)
        opened.close()

    assert kids[0] == kids[1] != kids[2]


def test_fresh_keys_are_nobody_elses(database):
    """--fresh-keys: not in the pool."""
    ring = _ring(database, fresh_keys=True)

    assert _digest(ring, ring.current) not in known_digests()


def test_a_ring_goes_on_where_it_was(database):
    """The store keeps which key signs."""
    ring = _ring(database)
    ring.rotate("replace")

    again = _ring(database)

    assert again.records == ring.records
    assert again.retired == ring.retired


def test_rotating_never_returns_a_key_and_never_uses_the_stranger(database):
    """Sixty-three rotations use up the pool; then keys are generated."""
    ring = _ring(database)
    for _ in range(64):
        ring.rotate("replace")

    kids = [record.kid for record in ring.records]
    assert len(set(kids)) == 65
    assert ring.stranger.kid not in kids
    assert kids[-1].startswith("fresh-")
    assert len(ring.published()) == 1


def test_back_goes_to_and_fro(database):
    """The previous key is the one that signed before."""
    ring = _ring(database)
    first = ring.current.kid
    ring.rotate("replace")
    second = ring.current.kid

    seen = []
    for _ in range(3):
        ring.rotate("back")
        seen.append((ring.current.kid, ring.retired.kid))

    assert seen == [(first, second), (second, first), (first, second)]


def test_overlap_publishes_both_where_tokens_name_their_key(database):
    """vocabulary.KEY_ROTATIONS; the twin below has no key ids."""
    jogos = discover()["jogos"]
    with_kid = dataclasses.replace(
        jogos,
        name="named",
        identity=dataclasses.replace(jogos.identity, header=lambda kid: {"alg": "RS256", "kid": kid}),
    )
    ring = _ring(database, portal=with_kid)
    first = ring.current.kid

    ring.rotate("overlap")

    assert [key.kid for key in ring.published()] == [ring.current.kid, first]


def test_overlap_is_refused_where_tokens_name_no_key(database):
    """sandbox:no-kid."""
    with pytest.raises(RotationRefused):
        _ring(database).rotate("overlap")


def test_an_elliptic_ring_signs_and_has_its_jwk(database):
    """The pool's other half, for portals that sign with ES256."""
    jogos = discover()["jogos"]
    elliptic = dataclasses.replace(
        jogos, name="elliptic", identity=dataclasses.replace(jogos.identity, algorithm="ES256")
    )
    ring = _ring(database, portal=elliptic)

    (key,) = ring.published()

    assert _digest(ring, ring.current) in known_digests()
    assert {name: key.jwk[name] for name in ("kty", "crv")} == {"kty": "EC", "crv": "P-256"}
    assert ring.public(ring.current).algorithm == "ES256"
