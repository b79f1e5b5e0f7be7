"""A notification from raw bytes to a typed fact, and the answers to it."""

import json
from importlib.resources import files

import pytest
from coinslot_contracts.errors import (
    ConfirmUnavailable,
    GameMismatch,
    Refused,
    SignatureMismatch,
    SignatureMissing,
)
from coinslot_contracts.json_bytes import SPELLINGS, dump_json
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_testkit.demonstrations import compact, notification
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.strategies import JSON_VALUES
from coinslot_verifier import ConfigInvalid, NotificationVerifier, VerifierConfig
from hypothesis import given
from hypothesis import strategies as st

KEY = "kéy".encode()
CONFIG = VerifierConfig(portal="jogos", game_id="1220", shared_keys=(KEY,))
VERIFIER = NotificationVerifier(CONFIG)
FIELDS = notification("zXhKYRy3genKKh9TgndBpu1gp5tBpA", "278")
BODY = compact(FIELDS)
RIGHT = signature(BODY, KEY)
OTHER_BODY = compact({**FIELDS, "gameId": 1221})
OTHER_RIGHT = signature(OTHER_BODY, KEY)


@pytest.mark.parametrize("tool", ["node", "jdk", "openssl"])
def test_every_signature_of_another_tool_is_accepted(tool):
    """jogos:iap.sha1: the signature is judged before the body is read, so the verdict is about the bytes."""
    folder = files("coinslot_contracts") / "portals/jogos/vectors"
    document = json.loads((folder / f"signatures.{tool}.json").read_text("utf-8"))
    for vector in document["vectors"]:
        key, body = (bytes.fromhex(vector[name]) for name in ("shared_key_hex", "body_hex"))
        verifier = NotificationVerifier(VerifierConfig(portal="jogos", game_id="9968", shared_keys=(key,)))

        assert code_of(verifier.verify, vector["signature"], body) in {None, "field-missing", "field-invalid"}
        assert code_of(verifier.verify, vector["signature"], body + b" ") == "signature-mismatch"


@pytest.mark.parametrize(
    "sent",
    [
        RIGHT,
        RIGHT.encode(),
        {"authorization": RIGHT, "Host": "x"},
        [("Host", "x"), ("AUTHORIZATION", RIGHT)],
        [(b"host", b"x"), (b"authorization", RIGHT.encode())],
        [(b"Host", b"x"), (b"Authorization", RIGHT.encode())],
    ],
)
def test_the_signature_is_taken_as_value_or_from_the_headers(sent):
    """jogos:iap.1.auth"""
    fact = VERIFIER.verify(sent, BODY)

    assert (fact.kind, fact.order_id, fact.user_id, fact.product_id) == (
        "pay",
        FIELDS["orderId"],
        "278",
        "1002",
    )


@pytest.mark.parametrize("sent", [None, "", b"", {}, [], {"X-Other": RIGHT}])
def test_no_signature_is_missing(sent):
    """jogos:iap.1.auth"""
    with pytest.raises(SignatureMissing):
        VERIFIER.verify(sent, BODY)


@pytest.mark.parametrize(
    "sent",
    [
        RIGHT.upper(),
        RIGHT[:39],
        RIGHT + "0",
        " " + RIGHT,
        f"Bearer {RIGHT}",
        f"{RIGHT},{RIGHT}",
        "é" * 40,
        "\udcff" * 40,
        b"\xff" * 40,
        signature(BODY, b"other"),
        signature(BODY + b"\n", KEY),
        signature(b"", KEY),
        [("Authorization", RIGHT), ("authorization", RIGHT)],
    ],
)
def test_any_other_signature_is_a_mismatch(sent):
    """jogos:iap.1.auth: bytes are compared, so no character can crash it; two headers are one too many."""
    with pytest.raises(SignatureMismatch):
        VERIFIER.verify(sent, BODY)


@pytest.mark.parametrize(
    ("sent", "body", "says"),
    [
        (None, BODY, "there is no Authorization header"),
        ([(b"host", b"x")], BODY, "there is no Authorization header"),
        ([("Authorization", RIGHT)] * 3, BODY, "there are 3 Authorization headers"),
        (RIGHT, BODY + b" ", "the signature does not belong to these bytes and our shared key"),
        (OTHER_RIGHT, OTHER_BODY, "the notification is about game 1221, not 1220"),
    ],
    ids=["none", "none among others", "three", "of other bytes", "another game"],
)
def test_a_refusal_says_what_it_found(sent, body, says):
    """jogos:iap.1.err: what a developer reads first; nothing of key or signature is in it."""
    with pytest.raises(Refused) as refused:
        VERIFIER.verify(sent, body)

    assert refused.value.detail == says


@pytest.mark.parametrize(("body", "kind"), [(BODY.decode(), "str"), (FIELDS, "dict"), (None, "NoneType")])
def test_a_body_that_was_read_already_is_a_mistake_of_the_caller(body, kind):
    """jogos:iap.1.auth: the bytes are signed, so they are asked for, in words that name what came instead."""
    with pytest.raises(TypeError, match=f"^body must be the raw bytes of the request, not {kind}$"):
        VERIFIER.verify(RIGHT, body)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_kind_of_raw_bytes_is_a_body(kind):
    """The positive twin: what servers and frameworks hand over."""
    assert VERIFIER.verify(RIGHT, kind(BODY)) == VERIFIER.verify(RIGHT, BODY)


@pytest.mark.parametrize("encode", [name for name in SPELLINGS if name != "gzip"])
def test_every_spelling_is_accepted_under_its_own_signature(encode):
    """jogos:iap.1.auth: the raw bytes are signed, whatever they look like."""
    body = dump_json(FIELDS, encode)

    assert VERIFIER.verify(signature(body, KEY), body) == VERIFIER.verify(RIGHT, BODY)


def test_while_a_key_is_replaced_both_are_accepted():
    """More than one shared key, for as long as the replacement takes."""
    verifier = NotificationVerifier(VerifierConfig(portal="jogos", game_id="1220", shared_keys=(b"new", KEY)))

    assert verifier.verify(RIGHT, BODY) == verifier.verify(signature(BODY, b"new"), BODY)


@pytest.mark.parametrize("game_id", [1221, "1221", 0])
def test_another_games_notification_is_refused(game_id):
    """jogos:iap.1.err: 40001"""
    body = compact({**FIELDS, "gameId": game_id})

    with pytest.raises(GameMismatch) as caught:
        VERIFIER.verify(signature(body, KEY), body)
    assert json.loads(VERIFIER.reply_for(caught.value).body)["code"] == "40001"


def test_our_own_report_played_back_is_no_notification():
    """jogos:iap.2: the same key and formula sign both directions."""
    body = b'{"gameId":1220,"orderId":"gHpGwweTlucXwcM6yIeSMcgKkhFmoO"}'

    assert code_of(VERIFIER.verify, signature(body, KEY), body) == "field-missing"


def test_the_answers_are_the_documented_ones():
    """jogos:iap.1.resp, jogos:iap.1.err"""
    accepted = VERIFIER.accepted()
    busy = VERIFIER.reply_for(ConfirmUnavailable("the database is away"))

    assert (accepted.status, json.loads(accepted.body)) == (200, {"code": "200", "msg": "Success"})
    assert json.loads(VERIFIER.reply_for(SignatureMissing("x")).body)["code"] == "41007"
    assert (busy.status, json.loads(busy.body)["code"], busy.header("Retry-After")) == (503, "500", "5")


def test_without_a_shared_key_nothing_can_be_verified():
    """jogos:iap.key"""
    with pytest.raises(ConfigInvalid, match="shared_keys is empty"):
        NotificationVerifier(VerifierConfig(portal="jogos", game_id="1220"))


@given(st.binary(max_size=200))
def test_any_signed_bytes_are_a_notification_or_a_refusal(body):
    """A portal that signs nonsense is refused, never crashed on."""
    assert code_of(VERIFIER.verify, signature(body, KEY), body) in {"field-missing", "field-invalid"}


@given(st.text(max_size=60) | st.binary(max_size=60), st.binary(max_size=60))
def test_any_signature_over_any_bytes_is_refused(sent, body):
    """Nobody hits forty digits by chance."""
    assert code_of(VERIFIER.verify, sent, body) in {"signature-missing", "signature-mismatch"}


@given(st.sampled_from(sorted(FIELDS)), JSON_VALUES)
def test_any_value_in_any_field_is_a_notification_or_a_refusal(name, value):
    """jogos:iap.1.fields"""
    body = compact({**FIELDS, name: value})

    code = code_of(VERIFIER.verify, signature(body, KEY), body)

    assert code in {None, "field-missing", "field-invalid", "game-mismatch"}
