"""The published key set, read through every rotation by libraries that are not ours."""

from collections.abc import Iterator

import jwt
import pytest
from coinslot_contracts.portals.playgama.jwks import parse_jwks
from coinslot_contracts.vocabulary import KEY_ENTRIES
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_sandbox.clock import ManualClock
from coinslot_testkit.key_set_readers import READERS, KeySetReader, PyJwtReader
from coinslot_testkit.purchase_shop import JWKS, PurchaseShop
from coinslot_testkit.sandbox_client import SandboxClient

ODD = [kind for kind in KEY_ENTRIES if kind not in ("rsa", "ec")]


@pytest.fixture(params=["pyjwt", pytest.param("jose", marks=pytest.mark.tool("node", "jose"))])
def reader(request: pytest.FixtureRequest, bazaar: PurchaseShop) -> Iterator[KeySetReader]:
    """A foreign library that keeps one remote set."""
    with READERS[request.param](bazaar.url + JWKS) as made:
        yield made


def test_a_set_at_start_holds_the_one_key_that_signs(bazaar):
    """playgama:2; sandbox:jwks-members."""
    (entry,) = bazaar.key_set()

    assert {name: entry[name] for name in ("kty", "use", "alg", "kid", "e")} == {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": bazaar.signing_kid(),
        "e": "AQAB",
    }
    assert set(entry) == {"kty", "use", "alg", "kid", "n", "e"}


def test_a_foreign_library_reads_a_purchase(bazaar, reader):
    """playgama:3.A: the claims are the order's two ids, and iat."""
    order = bazaar.order()

    claims = reader.claims(bazaar.purchase(order)["token"])

    assert claims is not None
    assert set(claims) == {"orderId", "externalId", "iat"}
    assert (claims["orderId"], claims["externalId"]) == (order["order_id"], order["external_id"])


def test_under_overlap_old_and_new_tokens_are_good(bazaar, reader):
    """playgama:2: a set may hold several keys."""
    old = bazaar.token()
    assert reader.claims(old)

    bazaar.rotate("overlap")

    assert reader.claims(bazaar.token())
    assert reader.claims(old)
    assert len(bazaar.key_set()) == 2


def test_after_a_replacement_only_new_tokens_are_good(bazaar, reader):
    """A hard cut: the old key is gone from the set."""
    old = bazaar.token()
    assert reader.claims(old)

    bazaar.rotate("replace")

    assert reader.claims(bazaar.token())
    assert reader.claims(old) is None
    assert bazaar.purchase(bazaar.order(), sign="retired")["error"] == "kid-unknown"


def test_back_returns_to_the_previous_key(bazaar, reader):
    """The harness puts keys back when an item ends."""
    before = bazaar.signing_kid()
    bazaar.rotate("replace")
    newer = bazaar.token()
    assert reader.claims(newer)

    bazaar.rotate("back")

    assert bazaar.signing_kid() == before
    assert reader.claims(bazaar.token())
    assert reader.claims(newer) is None


def test_a_late_key_is_unknown_until_it_is_published(bazaar, reader):
    """A portal may sign with a key before it publishes it."""
    old = bazaar.token()
    assert reader.claims(old)
    bazaar.rotate("late")
    made = bazaar.purchase(bazaar.order())

    before = reader.claims(made["token"]), reader.claims(old)
    bazaar.rotate("publish")
    after = reader.claims(made["token"]), reader.claims(old)

    assert (made["expected"], made["error"]) == ("refused", "kid-unknown")
    assert before[0] is None
    assert before[1] is not None
    assert None not in after
    assert bazaar.purchase(bazaar.order())["expected"] == "accepted"


def test_a_late_key_is_published_when_its_time_comes():
    """`publish_after_s`, by the sandbox's clock."""
    clock = ManualClock()
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7), clock=clock) as sandbox:
        bazaar = PurchaseShop(SandboxClient(sandbox.ready))
        bazaar.rotate("late", publish_after_s=60)
        with PyJwtReader(bazaar.url + JWKS) as reader:
            token = bazaar.token()

            clock.advance(59)
            before = reader.claims(token)
            clock.advance(1)
            after = reader.claims(token)

    assert before is None
    assert after is not None


def test_the_key_that_signs_is_found_among_three(bazaar, reader):
    """playgama:3.A: by its kid, wherever it stands; it never stands first."""
    bazaar.add_key("rsa")
    bazaar.add_key("rsa")

    entries = bazaar.key_set()

    assert len(entries) == 3
    assert entries[0]["kid"] != bazaar.signing_kid()
    assert reader.claims(bazaar.token())


@pytest.mark.parametrize("kind", [kind for kind in ODD if kind != "duplicate-kid"])
def test_an_odd_entry_does_not_hide_the_good_key(bazaar, reader, kind):
    """RFC 7517 section 5: a reader passes over entries that it does not understand."""
    bazaar.add_key(kind)

    assert len(bazaar.key_set()) == 2
    assert reader.claims(bazaar.token())


def test_a_duplicate_kid_stands_before_the_good_key(bazaar):
    """A reader that takes the first match of a kid picks the wrong key; one that tries all is right."""
    bazaar.add_key("duplicate-kid")
    token = bazaar.token()

    keys = [jwt.PyJWK(entry) for entry in bazaar.key_set()]

    assert [key.key_id for key in keys] == [bazaar.signing_kid()] * 2
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, keys[0], algorithms=["RS256"])
    assert jwt.decode(token, keys[1], algorithms=["RS256"])


EXPECTED_MEMBERS = {
    "rsa": {"kty": "RSA", "use": "sig", "alg": "RS256"},
    "ec": {"kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256"},
    "oct": {"kty": "oct", "use": "sig", "alg": "HS256"},
    "use-enc": {"kty": "RSA", "use": "enc", "alg": "RSA-OAEP-256"},
    "no-kid": {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": None},
    "duplicate-kid": {"kty": "RSA", "use": "sig", "alg": "RS256"},
    "unknown-kty": {"kty": "AKP", "use": "sig", "alg": "ML-DSA-65"},
    "weak-rsa": {"kty": "RSA", "use": "sig", "alg": "RS256"},
}


@pytest.mark.parametrize("kind", list(KEY_ENTRIES))
def test_an_entry_is_what_its_name_says(bazaar, kind):
    """sandbox:jwks-members are those of a good key; each kind differs in its own way."""
    kid = bazaar.add_key(kind)

    added = bazaar.key_set()[0]

    expected = EXPECTED_MEMBERS[kind]
    assert {name: added.get(name) for name in expected} == expected
    assert [key["kind"] for key in bazaar.ring()] == ["rsa", kind]
    if kind == "duplicate-kid":
        assert added["kid"] == bazaar.signing_kid()
    elif kind != "no-kid":
        assert added["kid"] == kid
    if kind == "weak-rsa":
        assert jwt.PyJWK(added).key.key_size == 1024


def test_our_own_reading_of_the_set_takes_the_same_keys(bazaar):
    """What contracts write, contracts read: RSA and EC for signatures, and nothing else."""
    for kind in KEY_ENTRIES:
        bazaar.add_key(kind)

    parsed = parse_jwks(bazaar.client.send("GET", bazaar.url + JWKS).body)

    assert sorted(key.jwk["kty"] for key in parsed) == ["EC", "RSA", "RSA", "RSA", "RSA", "RSA"]


def test_an_ec_key_can_sign(bazaar, reader):
    """sandbox:purchase-header: ES256 is as plausible."""
    kid = bazaar.add_key("ec")

    bazaar.client.done("PUT", f"/keys/{kid}", {"signs": True})
    made = bazaar.purchase(bazaar.order())

    assert made["header"] == {"alg": "ES256", "typ": "JWT", "kid": kid}
    assert made["expected"] == "accepted"
    assert reader.claims(made["token"])


@pytest.mark.parametrize(("kind", "error"), [("oct", "alg-refused"), ("use-enc", "kid-unknown")])
def test_a_token_under_an_entry_for_other_purposes_is_refused(bazaar, reader, kind, error):
    """RFC 7517 section 4.2: such a key proves nothing; the twin is the EC key above."""
    kid = bazaar.add_key(kind)

    bazaar.client.done("PUT", f"/keys/{kid}", {"signs": True})
    made = bazaar.purchase(bazaar.order())

    assert (made["header"]["kid"], made["expected"], made["error"]) == (kid, "refused", error)
    assert reader.claims(made["token"]) is None


def test_a_withdrawn_key_leaves_the_set_and_comes_back(bazaar):
    """PUT /keys: an empty set is a thing that a backend can meet."""
    kid = bazaar.signing_kid()

    bazaar.client.done("PUT", f"/keys/{kid}", {"published": False})
    empty = bazaar.key_set()
    bazaar.client.done("PUT", f"/keys/{kid}", {"published": True})

    assert empty == []
    assert [entry["kid"] for entry in bazaar.key_set()] == [kid]


def test_no_two_rings_share_a_key(bazaar):
    """A token of one portal or environment must never verify at another."""
    for _ in range(5):
        bazaar.rotate("overlap")
        bazaar.client.done("POST", "/keys/rotate", {"portal": "jogos", "rotate": "replace"})

    digests = [key["spki_sha256"] for key in bazaar.client.done("GET", "/keys")["keys"]]

    assert len(digests) == len(set(digests)) == 14


@pytest.mark.parametrize(
    ("method", "path", "body", "refused"),
    [
        ("POST", "/keys/rotate", {"portal": "playgama", "rotate": "back"}, (409, "rotation-not-possible")),
        ("POST", "/keys/rotate", {"portal": "playgama", "rotate": "publish"}, (409, "rotation-not-possible")),
        ("POST", "/keys/rotate", {"portal": "jogos", "rotate": "overlap"}, (409, "rotation-not-possible")),
        ("POST", "/keys/extra", {"portal": "jogos", "kind": "rsa"}, (409, "rotation-not-possible")),
        ("POST", "/keys/extra", {"portal": "playgama", "kind": "rsq"}, (400, "field-invalid")),
        ("POST", "/keys/extra", {"kind": "rsa"}, (400, "field-missing")),
        ("POST", "/keys/extra", {"portal": "playgama"}, (400, "field-missing")),
        ("PUT", "/keys/nothing", {"signs": True}, (404, "key-unknown")),
        (
            "POST",
            "/keys/rotate",
            {"portal": "playgama", "rotate": "replace", "publish_after_s": 1},
            (400, "field-invalid"),
        ),
        (
            "POST",
            "/keys/rotate",
            {"portal": "playgama", "rotate": "replace", "format": "pem"},
            (400, "field-invalid"),
        ),
        (
            "POST",
            "/keys/rotate",
            {"portal": "jogos", "rotate": "replace", "format": "pen"},
            (400, "field-invalid"),
        ),
    ],
)
def test_what_a_ring_cannot_do_is_refused(bazaar, method, path, body, refused):
    """The ring stays as it was."""
    before = bazaar.client.done("GET", "/keys")

    assert bazaar.client.refused(method, path, body) == refused
    assert bazaar.client.done("GET", "/keys") == before


def test_a_ring_always_has_a_key_that_signs(bazaar):
    """signs: false says nothing of who signs instead; an entry of an unknown kind cannot."""
    unknown = bazaar.add_key("unknown-kty")
    signing = bazaar.signing_kid()

    refused = [
        bazaar.client.refused("PUT", f"/keys/{signing}", {"signs": False}),
        bazaar.client.refused("PUT", f"/keys/{unknown}", {"signs": True}),
    ]

    assert refused == [(409, "rotation-not-possible")] * 2
    assert bazaar.signing_kid() == signing


def test_a_portal_without_key_ids_always_publishes_one(bazaar):
    """jogos:user.3; `late` there is a stale key: the previous one is still published."""
    url = bazaar.client.ready["jogos"]["web_url"] + "/publicKey.json"
    first = bazaar.client.send("GET", url).body
    (key,) = bazaar.client.keys("jogos")

    refused = bazaar.client.refused("PUT", f"/keys/{key['kid']}", {"published": False})
    bazaar.client.done("POST", "/keys/rotate", {"portal": "jogos", "rotate": "late"})
    stale = bazaar.client.send("GET", url).body
    token = bazaar.client.done("POST", "/tokens", {"player": bazaar.client.player()})
    bazaar.client.done("POST", "/keys/rotate", {"portal": "jogos", "rotate": "publish"})
    published = bazaar.client.send("GET", url).body

    assert refused == (409, "rotation-not-possible")
    assert stale == first
    assert token["error"] == "signature-mismatch"
    assert published != first
    assert [key["published"] for key in bazaar.client.keys("jogos")] == [False, True]
