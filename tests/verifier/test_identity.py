"""A user token from its bytes to a player, with every way in which it can fail."""

import json
from dataclasses import replace
from importlib.resources import files

import pytest
from coinslot_contracts.errors import ERRORS, KeySourceUnavailable, Refused, TestKeyRefused
from coinslot_contracts.portal import SigningKey
from coinslot_contracts.portals.jogos import PORTAL
from coinslot_contracts.portals.jogos.identity import KEY_FORMS, dump_public_key
from coinslot_contracts.vocabulary import HOSTILE_TOKENS
from coinslot_contracts.wire import WireReply
from coinslot_testkit.fake_portal import FakePortal, serve
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.strategies import JSON_SCALARS, JSON_VALUES
from coinslot_testkit.tokens import GAME_ID, NOW_S, encode, good_claims, make_token, spki
from coinslot_verifier import ConfigInvalid, IdentityVerifier, PublishedKeys, StaticKeys, VerifierConfig
from coinslot_verifier.key_source import read_key_document, read_key_file
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

CONFIG = VerifierConfig(portal="jogos", game_id=GAME_ID, allow_test_keys=True)
PART = CONFIG.identity_part()
REFUSED_CODES = [error.code for error in ERRORS if issubclass(error, Refused)]
KEYS = StaticKeys(read_key_document(dump_public_key(spki()), PART))
VERIFIER = IdentityVerifier(CONFIG, key_source=KEYS, clock=lambda: NOW_S)


def vectors(tool: str) -> list[dict[str, str]]:
    folder = files("coinslot_contracts") / "portals/jogos/vectors"
    document = json.loads((folder / f"tokens.{tool}.json").read_text("utf-8"))
    found: list[dict[str, str]] = document["vectors"]
    return found


class NoKeys:
    """A source that fails the test where it is asked."""

    def keys_for(self, kid: str | None):
        raise AssertionError(f"key {kid} was fetched for a token that no key could save")


class ScriptedSender:
    """A portal that says one thing."""

    def __init__(self, reply: WireReply) -> None:
        self.reply = reply
        self.asked: list[tuple[str, int]] = []

    def get(self, url: str, *, attempts_max: int) -> WireReply:
        self.asked.append((url, attempts_max))
        return self.reply


@pytest.mark.parametrize("tool", ["node", "jdk"])
def test_every_token_of_another_tool_is_judged_as_its_vector_says(tool):
    """jogos:user.3, jogos:user.4: good tokens by jsonwebtoken and the JDK, hostile ones by both."""
    judged = {
        vector["name"]: code_of(VERIFIER.verify, vector["token"]) or "accepted" for vector in vectors(tool)
    }

    assert judged == {vector["name"]: vector["verdict"] for vector in vectors(tool)}


def test_both_tools_made_the_same_tokens():
    """RS256 is deterministic, so two tools that read the document alike agree byte for byte."""
    node, jdk = ({v["name"]: v["token"] for v in vectors(tool)} for tool in ("node", "jdk"))

    assert node == jdk


@pytest.mark.parametrize(
    ("vector", "user_id", "username"),
    [
        ("good", "257", "Player257"),
        ("good-unicode-name", "257", "Zoë 中😀"),
        ("ids-as-numbers", "257", "Player257"),
        ("user-id-beyond-2-53", "9007199254740993", "Player257"),
    ],
)
def test_an_accepted_token_names_its_player(vector, user_id, username):
    """jogos:user.4: the user is a JSON text in sub; ids stay exact and are text inside."""
    token = {item["name"]: item["token"] for item in vectors("node")}[vector]

    identity = VERIFIER.verify(token)

    assert (identity.user_id, identity.username, identity.game_id) == (user_id, username, GAME_ID)
    assert (identity.issuer, identity.token_id) == ("com:jogos:sdk", "1967423537615581184")


@pytest.mark.parametrize("name", sorted(set(PART.claim_defects)))
def test_the_portals_own_claim_defects_are_refused_as_the_vocabulary_says(name):
    """What the sandbox sends under a name, the verifier refuses with that name's code."""
    token = make_token(PART.claim_defects[name](good_claims()))

    assert code_of(VERIFIER.verify, token) == HOSTILE_TOKENS[name].expected.code


def test_a_test_key_is_refused_unless_it_is_allowed():
    """Anybody can sign with a published key, so the token says nothing; even a good one."""
    production = IdentityVerifier(
        replace(CONFIG, allow_test_keys=False), key_source=KEYS, clock=lambda: NOW_S
    )

    with pytest.raises(TestKeyRefused):
        production.verify(make_token())
    assert VERIFIER.verify(make_token()).user_id == "257"


@pytest.mark.parametrize(
    "token", ["", "a.b.c", make_token(header={"alg": "none"}), make_token().rpartition(".")[0] + "."]
)
def test_no_key_is_fetched_for_a_token_that_no_key_could_save(token):
    """jogos:user.2: otherwise garbage drives requests to the portal."""
    verifier = IdentityVerifier(CONFIG, key_source=NoKeys())

    assert code_of(verifier.verify, token) in {"token-malformed", "alg-refused", "signature-mismatch"}


def test_the_age_cap_is_off_until_it_is_set():
    """jogos:user.3: the document names only the token's own expiry."""
    late_s = NOW_S + 1800
    capped = IdentityVerifier(replace(CONFIG, max_age_s=600), key_source=KEYS, clock=lambda: late_s)
    uncapped = IdentityVerifier(CONFIG, key_source=KEYS, clock=lambda: late_s)

    assert code_of(capped.verify, make_token()) == "token-too-old"
    assert uncapped.verify(make_token()).user_id == "257"


def test_no_issuer_accepts_any():
    """jogos:user.4: the issuer is known from the sample alone."""
    verifier = IdentityVerifier(replace(CONFIG, issuer=None), key_source=KEYS, clock=lambda: NOW_S)

    assert verifier.verify(make_token({**good_claims(), "iss": "x"})).issuer == "x"


def test_the_key_is_fetched_at_every_verification():
    """jogos:user.2: the key may change at any time, and a retired one is refused at once."""
    with serve(FakePortal()) as portal:
        verifier = IdentityVerifier(replace(CONFIG, web_url=portal.url), clock=lambda: NOW_S)

        assert verifier.verify(make_token()).user_id == "257"
        portal.keys = [SigningKey(kid="2", algorithm="RS256", spki_der=spki("other"))]

        assert code_of(verifier.verify, make_token()) == "signature-mismatch"
        assert verifier.verify(make_token(key="other")).user_id == "257"
        assert len(portal.calls("publicKey")) == 3


@pytest.mark.parametrize("form", KEY_FORMS)
def test_a_key_is_taken_in_every_form_that_a_portal_publishes(form):
    """sandbox:key-form"""
    with serve(FakePortal()) as portal:
        portal.form = form
        verifier = IdentityVerifier(replace(CONFIG, web_url=portal.url), clock=lambda: NOW_S)

        assert verifier.verify(make_token()).user_id == "257"


@pytest.mark.parametrize(
    "reply",
    [
        WireReply(status=500, body=dump_public_key(spki())),
        WireReply(status=404),
        WireReply(status=204),
        WireReply(body=b""),
        WireReply(body=b"<html>maintenance</html>"),
        WireReply(body=b"null"),
        WireReply(body=b'{"data":""}'),
        WireReply(body=b'{"data":5}'),
        WireReply(body=b'{"key":"x"}'),
        WireReply(body=b'{"data":"not a key"}'),
        WireReply(body=b"\xef\xbb\xbf" + dump_public_key(spki())),
        WireReply(body=b'{"data":"' + b"A" * 20_000 + b'"}'),
    ],
)
def test_whatever_else_the_key_endpoint_says_is_an_outage(reply):
    """jogos:user.3: the token was not judged, so the player may try again."""
    sender = ScriptedSender(reply)
    keys = PublishedKeys(replace(CONFIG, web_url="http://portal.example"), sender=sender)

    with pytest.raises(KeySourceUnavailable):
        IdentityVerifier(CONFIG, key_source=keys).verify(make_token())
    assert sender.asked == [("http://portal.example/publicKey.json", CONFIG.attempts_max)]


@given(st.binary(max_size=300))
def test_any_bytes_as_key_document_are_an_outage(body):
    """Whatever the portal serves."""
    assert code_of(read_key_document, body, PART) == "key-source-unavailable"
    assert code_of(read_key_file, body, PART) == "key-source-unavailable"


@pytest.mark.parametrize(
    "content",
    [
        dump_public_key(spki()),
        b"\n" + dump_public_key(spki()) + b"\n",
        KEY_FORMS["pem"](spki()).encode(),
        b"\xef\xbb\xbf" + KEY_FORMS["pem-crlf"](spki()).encode(),
        KEY_FORMS["bare-base64"](spki()).encode(),
    ],
)
def test_a_key_file_may_be_the_endpoints_answer_or_a_key_in_any_form(content):
    """What a person saves from a browser or copies from a page."""
    verifier = IdentityVerifier(CONFIG, key_source=read_key_file(content, PART), clock=lambda: NOW_S)

    assert verifier.verify(make_token()).user_id == "257"


@given(JSON_VALUES, st.sampled_from(["sub", "iss", "exp", "iat", "nbf", "jti", "other"]))
def test_any_genuine_claims_are_an_identity_or_a_refusal(value, name):
    """A portal that signs nonsense is refused, never crashed on."""
    token = make_token({**good_claims(), name: value})

    assert code_of(VERIFIER.verify, token) in {None, *REFUSED_CODES}


@given(st.dictionaries(st.sampled_from(sorted(PART.user_fields.values())), JSON_SCALARS))
def test_any_user_in_sub_is_an_identity_or_a_refusal(user):
    """jogos:user.4: an accepted user always has ids of decimal digits."""
    token = make_token(PART.change_user(good_claims(), user))

    code = code_of(VERIFIER.verify, token)

    assert code in {None, "sub-invalid", "game-mismatch"}
    if code is None:
        assert VERIFIER.verify(token).user_id.isdecimal()


def test_a_part_that_a_portal_lacks_is_a_named_setting(monkeypatch):
    """An identity-only portal is legal, and so is one without user tokens."""
    portal = replace(PORTAL, identity=None, notices=None, reports=None)
    monkeypatch.setattr("coinslot_verifier.config.discover", lambda: {"bare": portal})
    bare = VerifierConfig(portal="bare", game_id="1")

    assert bare.issuer is None
    with pytest.raises(ConfigInvalid, match="no signed user token"):
        bare.identity_part()
    with pytest.raises(ConfigInvalid, match="no notifications"):
        bare.notices_part()
    with pytest.raises(ConfigInvalid, match="no reports"):
        bare.reports_part()


def test_an_age_cap_that_is_no_age_is_a_wrong_setting():
    """A cap of nothing would refuse everybody."""
    with pytest.raises(ConfigInvalid, match="max_age_s"):
        replace(CONFIG, max_age_s=0)


def test_a_key_of_the_portals_own_is_trusted_and_looked_up_once():
    """The twin of the refused test key: production, from the first token to the next."""
    own = generate_private_key(public_exponent=65537, key_size=2048)
    published = own.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    keys = StaticKeys(read_key_document(dump_public_key(published), PART))
    production = IdentityVerifier(
        replace(CONFIG, allow_test_keys=False), key_source=keys, clock=lambda: NOW_S
    )
    signed = f"{encode({'alg': 'RS256'})}.{encode(good_claims())}"
    token = f"{signed}.{encode(own.sign(signed.encode(), PKCS1v15(), SHA256()))}"

    assert [production.verify(token).user_id for _ in range(2)] == ["257", "257"]
    assert code_of(production.verify, make_token()) == "signature-mismatch"
