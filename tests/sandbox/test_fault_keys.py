"""Lies about keys: what the two key endpoints publish while tokens are signed as ever, and how they end.

Keys and tokens are read by hand or by PyJWT, never by the sandbox's own code.
"""

import base64
import json

import jwt
import pytest
from coinslot_testkit.raw_http import fetch
from cryptography.hazmat.primitives.serialization import load_der_public_key

FLAT, SET = "jogos.publicKey", "playgama.jwks"


@pytest.fixture
def places(client, bazaar):
    """Endpoint -> what it publishes: a list of the keys' numbers as PyJWT reads them, and a good token."""
    return {
        FLAT: lambda: [_der_number(_flat(client))],
        SET: lambda: [_jwk_number(entry) for entry in bazaar.key_set()],
    }


@pytest.fixture
def tokens(client, bazaar):
    """Endpoint -> a fresh good token."""
    player = client.player(username="alice")
    return {
        FLAT: lambda: client.done("POST", "/tokens", {"player": player})["token"],
        SET: lambda: bazaar.token(),
    }


def _flat(client):
    return json.loads(fetch(client.ready["jogos"]["web_url"] + "/publicKey.json").body)["data"]


def _der_number(text):
    der = base64.b64decode("".join(line for line in text.split("\n") if "-" not in line))
    return load_der_public_key(der).public_numbers().n


def _jwk_number(entry):
    return jwt.PyJWK(entry).key.public_numbers().n


def _verifies(token, numbers):
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    for number in numbers:
        key = RSAPublicNumbers(65_537, number).public_key()
        try:
            jwt.decode(token, key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})
        except jwt.InvalidSignatureError:
            continue
        return True
    return False


def _set(client, at, spec):
    return client.done("POST", "/faults", {"at": at, "with": spec})["fault_id"]


def _heal(client, fault_id):
    return client.done("DELETE", f"/faults/{fault_id}")["fired"]


@pytest.mark.parametrize("at", [FLAT, SET])
@pytest.mark.parametrize("kind", ["stale_key", "rotated_key", "key_published_late", "key_withdrawn_early"])
def test_the_published_key_is_not_the_one_that_signs(client, places, tokens, at, kind):
    """Whatever the story, a token of now does not verify; healed, the same token does."""
    token = tokens[at]()
    fault_id = _set(client, at, {kind: True})

    published = places[at]()

    assert published
    assert not _verifies(token, published)
    assert not _verifies(tokens[at](), published)
    assert _heal(client, fault_id) == 1
    assert _verifies(token, places[at]())


@pytest.mark.parametrize("at", [FLAT, SET])
def test_a_stale_key_is_the_one_before_the_rotation(client, places, tokens, at):
    """Old tokens verify, new ones do not: a cache that never ends, seen from outside."""
    old = tokens[at]()
    before = places[at]()
    client.done("POST", "/keys/rotate", {"portal": at.partition(".")[0], "rotate": "replace"})
    fault_id = _set(client, at, {"stale_key": True})

    assert places[at]() == before
    assert _verifies(old, places[at]())
    assert not _verifies(tokens[at](), places[at]())
    _heal(client, fault_id)
    assert _verifies(tokens[at](), places[at]())
    assert not _verifies(old, places[at]())


@pytest.mark.parametrize("at", [FLAT, SET])
def test_a_key_that_is_published_late_comes_with_the_schedules_time(client, places, tokens, at):
    """after_s: 60, on a frozen clock: absent before, there afterwards, and then the fault does not fire."""
    client.done("POST", "/clock/freeze", {})
    token = tokens[at]()
    fault_id = _set(client, at, {"key_published_late": 60})

    assert not _verifies(token, places[at]())
    client.done("POST", "/clock/advance", {"by_s": 60})
    assert _verifies(token, places[at]())
    assert _heal(client, fault_id) == 1


@pytest.mark.parametrize("at", [FLAT, SET])
def test_a_key_that_is_withdrawn_early_goes_with_the_schedules_time(client, places, tokens, at):
    """after_s: 60: there before, gone afterwards, while it still signs."""
    client.done("POST", "/clock/freeze", {})
    token = tokens[at]()
    fault_id = _set(client, at, {"key_withdrawn_early": 60})

    assert _verifies(token, places[at]())
    client.done("POST", "/clock/advance", {"by_s": 60})
    assert not _verifies(token, places[at]())
    assert _heal(client, fault_id) == 1
    assert _verifies(token, places[at]())


def _kids(entries):
    return [entry.get("kid") for entry in entries]


def _kid_of(token):
    return jwt.get_unverified_header(token)["kid"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("unknown_kid", lambda kid: [f"another-{kid}"]),
        ("kid_missing", lambda kid: [None]),  # noqa: ARG005
        ("kid_case", lambda kid: [kid.swapcase()]),
        ("kid_duplicate", lambda kid: [kid, kid]),
    ],
)
def test_ids_that_a_token_cannot_be_found_by(client, bazaar, places, kind, expected):
    """The key itself is in the set, under an id that is another, absent, twice there or in another case."""
    token = bazaar.token()
    kid = _kid_of(token)
    fault_id = _set(client, SET, {kind: True})

    assert _kids(bazaar.key_set()) == expected(kid)
    assert _verifies(token, places[SET]())
    assert _heal(client, fault_id) == 2
    assert _kids(bazaar.key_set()) == [kid]


def test_a_duplicate_id_hides_the_right_key_behind_a_wrong_one(client, bazaar):
    """Taking the first of the id is wrong."""
    token = bazaar.token()
    _set(client, SET, {"kid_duplicate": True})

    first, second = (_jwk_number(entry) for entry in bazaar.key_set())
    assert not _verifies(token, [first])
    assert _verifies(token, [second])


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (
            True,
            {
                ("EC", "ES256", "sig"),
                ("RSA", "RSA-OAEP-256", "enc"),
                ("oct", "HS256", "sig"),
                ("RSA", "RS256", "sig"),
            },
        ),
        (["ec"], {("EC", "ES256", "sig")}),
        ({"kinds": ["oct", "use_enc"]}, {("oct", "HS256", "sig"), ("RSA", "RSA-OAEP-256", "enc")}),
    ],
)
def test_extra_keys_stand_before_the_right_one(client, bazaar, params, expected):
    """EC, for encryption, symmetric, 512 bits: a reader that takes the first is wrong."""
    kid = _kid_of(bazaar.token())
    fault_id = _set(client, SET, {"jwks_extra_keys": params})

    entries = bazaar.key_set()

    assert entries[-1]["kid"] == kid
    assert {(entry["kty"], entry["alg"], entry["use"]) for entry in entries[:-1]} == expected
    assert _heal(client, fault_id) == 1
    assert _kids(bazaar.key_set()) == [kid]


def test_a_weak_key_has_512_bits(client, bazaar):
    """So few that nobody may accept it."""
    _set(client, SET, {"jwks_extra_keys": ["weak"]})

    (weak, _) = bazaar.key_set()
    assert int.from_bytes(base64.urlsafe_b64decode(weak["n"] + "==")).bit_length() == 512


def test_an_empty_set_has_no_keys(client, bazaar):
    """A 200 that must not empty a cache."""
    kid = _kid_of(bazaar.token())
    fault_id = _set(client, SET, {"jwks_empty": True})

    assert bazaar.key_set() == []
    assert _heal(client, fault_id) == 1
    assert _kids(bazaar.key_set()) == [kid]


BEGIN, END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"


def _wrapped(b64):
    return "\n".join([BEGIN, *(b64[start : start + 64] for start in range(0, len(b64), 64)), END])


TEXTS = {
    "pem-trailing-newline": lambda b64: f"{BEGIN}\n{b64}\n{END}\n",
    "pem-64-columns": _wrapped,
    "pem-64-columns-trailing-newline": lambda b64: _wrapped(b64) + "\n",
    "pem-crlf": lambda b64: f"{BEGIN}\r\n{b64}\r\n{END}",
    "pem-without-newlines": lambda b64: f"{BEGIN}{b64}{END}",
    "pem-spaces": lambda b64: f"{BEGIN} {b64} {END}",
    "pem-backslash-n": lambda b64: f"{BEGIN}\\n{b64}\\n{END}",
    "bare-base64": lambda b64: b64,
}


@pytest.mark.parametrize("form", TEXTS)
def test_a_key_takes_every_form_of_the_matrix(client, form):
    """domain: the key-form matrix, row by row; healed, the document's own form is back."""
    good = _flat(client)
    fault_id = _set(client, FLAT, {"key_shape": form})

    assert _flat(client) == TEXTS[form](good.split("\n")[1])
    assert _heal(client, fault_id) == 1
    assert _flat(client) == good


def test_a_key_can_come_as_pkcs1(client):
    """Another label, and the same key inside."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    good = _flat(client)
    fault_id = _set(client, FLAT, {"key_shape": {"form": "pem-pkcs1"}})
    shown = _flat(client)

    assert shown.startswith("-----BEGIN RSA PUBLIC KEY-----\n")
    assert load_pem_public_key(shown.encode()).public_numbers().n == _der_number(good)
    assert _heal(client, fault_id) == 1
    assert _flat(client) == good


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("data-missing", lambda pem: {"code": "200", "msg": "Success"}),  # noqa: ARG005
        ("data-empty", lambda pem: {"data": ""}),  # noqa: ARG005
        ("nested", lambda pem: {"data": {"publicKey": pem}}),
        ("public-key", lambda pem: {"publicKey": pem}),
        ("envelope", lambda pem: {"code": "200", "msg": "Success", "data": pem}),
        ("code-500", lambda pem: {"code": "500", "msg": "System error", "data": None}),  # noqa: ARG005
    ],
)
def test_the_keys_document_can_be_another(client, form, expected):
    """`data` missing, empty, nested, elsewhere, or an error with HTTP 200."""
    good = _flat(client)
    fault_id = _set(client, FLAT, {"key_shape": form})

    seen = fetch(client.ready["jogos"]["web_url"] + "/publicKey.json")

    assert (seen.status, json.loads(seen.body)) == (200, expected(good))
    assert _heal(client, fault_id) == 1
    assert _flat(client) == good


def test_a_shape_that_is_spoken_already_does_not_fire(client):
    """Nothing to lie about: seen, fired 0."""
    fault_id = _set(client, FLAT, {"key_shape": "pem"})
    _flat(client)

    (fault,) = client.done("GET", "/faults")["faults"]
    assert (fault["seen"], fault["fired"]) == (1, 0)
    assert _heal(client, fault_id) == 0
