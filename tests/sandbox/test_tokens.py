"""Minted tokens, judged by PyJWT and cryptography, never by our own verifier."""

import base64
import hashlib
import hmac
import json

import jwt
import pytest
from coinslot_contracts.vocabulary import HOSTILE_TOKENS
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def _published_pem(client):
    return json.loads(client.send("GET", client.ready["jogos"]["web_url"] + "/publicKey.json").body)["data"]


def _mint(client, **call):
    player = client.player(user_id="257", username="Player257")
    return client.done("POST", "/tokens", {"player": player, **call})


def _decode(client, token, **options):
    return jwt.decode(token, _published_pem(client), algorithms=["RS256"], **options)


def _part(token, number):
    raw = token.split(".")[number]
    return json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))


def test_a_good_token_is_as_the_documents_sample(client):
    """jogos:user.4: alg alone in the header, the user as JSON text in sub, all members strings."""
    minted = _mint(client)

    claims = _decode(client, minted["token"])
    assert jwt.get_unverified_header(minted["token"]) == {"alg": "RS256"} == minted["header"]
    assert list(claims) == ["jti", "sub", "iss", "iat", "exp"]
    assert claims == minted["claims"]
    assert claims["iss"] == "com:jogos:sdk"
    assert claims["exp"] - claims["iat"] == 3600
    user = json.loads(claims["sub"])
    assert (user["userId"], user["gameId"], user["username"]) == ("257", client.game_id, "Player257")
    assert (minted["expected"], minted["error"]) == ("accepted", None)


def test_token_ids_differ(client):
    """Two tokens of one moment are two tokens."""
    ids = {_mint(client)["claims"]["jti"] for _ in range(5)}

    assert len(ids) == 5


@pytest.mark.parametrize("name", [name for name in HOSTILE_TOKENS if name != "kid-unknown"])
def test_a_hostile_token_says_what_it_is(client, name):
    """vocabulary.HOSTILE_TOKENS: the expected refusal and its sentence come with the token."""
    minted = _mint(client, token={"hostile": name})

    assert minted["expected"] == "refused"
    assert minted["error"] == HOSTILE_TOKENS[name].expected.code
    assert minted["says"] == HOSTILE_TOKENS[name].says
    assert minted["token"].count(".") == (1 if name == "sig-dropped" else 2)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("alg-none", jwt.InvalidAlgorithmError),
        ("alg-none-kept-sig", jwt.InvalidAlgorithmError),
        ("sig-empty", jwt.InvalidSignatureError),
        ("sig-dropped", jwt.DecodeError),
        ("hs256-pem", jwt.InvalidAlgorithmError),
        ("hs256-der", jwt.InvalidAlgorithmError),
        ("other-key", jwt.InvalidSignatureError),
        ("payload-changed", jwt.InvalidSignatureError),
        ("expired", jwt.ExpiredSignatureError),
        ("not-yet-valid", jwt.ImmatureSignatureError),
        ("sub-object", jwt.exceptions.InvalidSubjectError),
    ],
)
def test_pyjwt_refuses_a_hostile_token_for_the_named_reason(client, name, error):
    """A lie that another library takes for another lie would test nothing."""
    token = _mint(client, token={"hostile": name})["token"]

    with pytest.raises(error):
        _decode(client, token)


@pytest.mark.parametrize("name", ["other-game", "issuer-other", "sub-not-json", "sub-no-user-id"])
def test_a_defect_of_the_claims_is_genuinely_signed(client, name):
    """Only who reads the claims can refuse these."""
    token = _mint(client, token={"hostile": name})["token"]

    claims = _decode(client, token)
    good = _mint(client)["claims"]
    differing = {key for key in good if claims[key] != good[key]} - {"jti", "iat", "exp"}
    assert differing == ({"iss"} if name == "issuer-other" else {"sub"})


@pytest.mark.parametrize("form", ["hs256-pem", "hs256-der"])
def test_the_confused_hmac_is_keyed_with_the_published_key(client, form):
    """A library that takes the public key for a secret finds this signature right."""
    token = _mint(client, token={"hostile": form})["token"]
    pem = _published_pem(client).encode()
    der = base64.b64decode(b"".join(pem.split(b"\n")[1:-1]))
    head, _, signature = token.rpartition(".")

    made = hmac.new(pem if form == "hs256-pem" else der, head.encode(), hashlib.sha256).digest()

    assert signature == base64.urlsafe_b64encode(made).rstrip(b"=").decode()
    assert _part(token, 0)["alg"] == "HS256"


def test_a_kept_signature_is_the_good_tokens_own(client):
    """alg-none-kept-sig: a library that looks at the algorithm last finds a signature there."""
    token = _mint(client, token={"hostile": "alg-none-kept-sig"})["token"]
    head = base64.urlsafe_b64encode(b'{"alg":"RS256"}').rstrip(b"=").decode()
    _, payload, signature = token.split(".")

    assert jwt.decode(f"{head}.{payload}.{signature}", _published_pem(client), algorithms=["RS256"])


def test_members_are_merged_over_the_good_ones(client):
    """header, claims and user; null drops a member."""
    minted = _mint(
        client,
        token={
            "header": {"typ": "JWT"},
            "claims": {"aud": "x", "jti": None},
            "user": {"username": None, "userId": 257},
        },
    )

    claims = _decode(client, minted["token"], audience="x")
    assert minted["header"] == {"alg": "RS256", "typ": "JWT"}
    assert "jti" not in claims
    assert json.loads(claims["sub"])["userId"] == 257
    assert "username" not in json.loads(claims["sub"])
    assert minted["expected"] == "accepted"


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ({"claims": {"iss": "somebody"}}, "issuer-mismatch"),
        ({"claims": {"exp": 1}}, "token-expired"),
        ({"claims": {"nbf": 99999999999}}, "token-not-yet-valid"),
        ({"claims": {"sub": 5}}, "sub-invalid"),
        ({"user": {"gameId": "1"}}, "game-mismatch"),
        ({"user": {"userId": None}}, "sub-invalid"),
        ({"header": {"alg": "RS512"}}, "alg-refused"),
        ({"sign": "other"}, "signature-mismatch"),
        ({"sign": "none"}, "alg-refused"),
        ({"sign": "hs256_public"}, "alg-refused"),
        ({"ttl_s": -1}, "token-expired"),
        ({"raw": "not.a.token"}, "token-malformed"),
        ({"raw": ""}, "token-malformed"),
        ({"ttl_s": 60}, None),
        ({"sign": "current"}, None),
        ({}, None),
    ],
)
def test_what_a_correct_backend_makes_of_it_is_said(client, token, error):
    """expected and error follow from what was changed."""
    minted = _mint(client, token=token)

    assert (minted["expected"], minted["error"]) == ("accepted" if error is None else "refused", error)


def test_a_token_under_the_retired_key(client):
    """jogos:user.2: after a rotation the old key signs tokens that nobody may accept any more."""
    assert client.refused("POST", "/tokens", {"player": client.player(), "token": {"sign": "retired"}}) == (
        409,
        "retired-key-missing",
    )
    old = _published_pem(client)
    client.done("POST", "/keys/rotate", {"rotate": "replace"})

    minted = _mint(client, token={"sign": "retired"})

    assert jwt.decode(minted["token"], old, algorithms=["RS256"])
    with pytest.raises(jwt.InvalidSignatureError):
        _decode(client, minted["token"])
    assert minted["error"] == "signature-mismatch"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"token": {"hostile": "alg-non"}}, (400, "hostile-unknown")),
        ({"token": {"hostile": "alg-none", "sign": "other"}}, (400, "field-invalid")),
        ({"token": {"sign": "somebody"}}, (400, "field-invalid")),
        ({"token": {"claim": {}}}, (400, "field-unknown")),
        ({"token": {"claims": []}}, (400, "field-invalid")),
        ({"token": {"ttl_s": 1e300}}, (400, "field-invalid")),
        ({"token": []}, (400, "field-invalid")),
        ({"player": "999"}, (404, "player-unknown")),
        ({"portal": "none"}, (400, "field-invalid")),
    ],
)
def test_a_token_that_cannot_be_minted_is_refused(client, call, expected):
    """Names are those of the vocabulary."""
    good = {"player": client.player()}

    assert client.refused("POST", "/tokens", {**good, **call}) == expected


def test_a_misspelt_lie_is_named(client):
    """Did you mean."""
    call = {"player": client.player(), "token": {"hostile": "exipred"}}

    assert client.control("POST", "/tokens", call).json["try"] == "did you mean 'expired'?"


def test_rotating_replaces_the_published_key_and_back_brings_it_back(client):
    """jogos:user.2: the key may change at any moment."""
    first = _published_pem(client)
    token = _mint(client)["token"]

    client.done("POST", "/keys/rotate", {"portal": "jogos", "rotate": "replace"})
    second = _published_pem(client)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, second, algorithms=["RS256"])
    assert _decode(client, _mint(client)["token"])
    client.done("POST", "/keys/rotate", {"portal": "jogos", "rotate": "back"})

    assert _published_pem(client) == first != second
    assert _decode(client, token)


def test_keys_are_listed_with_their_digests(client):
    """GET /keys: which signs, which is published."""
    client.done("POST", "/keys/rotate", {"rotate": "replace"})

    keys = client.keys("jogos")

    assert [(key["signs"], key["published"]) for key in keys] == [(False, False), (True, True)]
    for key in keys:
        public = load_pem_public_key(key["public_key_pem"].encode())
        assert public.key_size == 2048
        body = "".join(key["public_key_pem"].split("\n")[1:-2])
        assert hashlib.sha256(base64.b64decode(body)).hexdigest() == key["spki_sha256"]


@pytest.mark.parametrize("how", ["overlap", "back"])
def test_a_rotation_that_cannot_be_is_a_conflict(client, how):
    """sandbox:no-kid: two keys cannot be told apart; and what was never rotated cannot go back."""
    problem = client.control("POST", "/keys/rotate", {"portal": "jogos", "rotate": how}).json

    assert (problem["status"], problem["code"]) == (409, "rotation-not-possible")
    assert ("clause" in problem) == (how == "overlap")


def test_an_unknown_rotation_is_named(client):
    """The twin of the conflicts: this is no rotation at all."""
    assert client.refused("POST", "/keys/rotate", {"rotate": "replac"}) == (400, "field-invalid")
    assert client.refused("POST", "/keys/rotate", {}) == (400, "field-missing")
