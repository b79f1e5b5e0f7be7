"""Every row of the callbacks' analysis (P1 to P19): what comes out, and what it does to money."""

import json
from collections.abc import Callable
from hmac import compare_digest
from typing import Any

import pytest
from coinslot_contracts.errors import ERRORS, CoinslotError, Refused
from coinslot_contracts.json_bytes import dump_json
from coinslot_contracts.portals.jogos.shapes import SHAPES
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_testkit.demonstrations import compact, notification
from coinslot_testkit.outcomes import code_of
from coinslot_verifier import NotificationVerifier, VerifierConfig

KEY, OLD_KEY = b"new key", b"old key"
VERIFIER = NotificationVerifier(VerifierConfig(portal="jogos", game_id="1220", shared_keys=(KEY, OLD_KEY)))
PAY = notification("zXhKYRy3genKKh9TgndBpu1gp5tBpA", "278")
REFUND = {**PAY, "paytype": "refund", "refundStatus": 1, "refundTime": 1_755_660_000}
BODY = compact(PAY)
RIGHT = signature(BODY, KEY)


def told(fields: dict[str, Any], **changes: Any) -> Any:
    """What comes out of a well-signed notification: its effect, or the code of its refusal."""
    body = compact({**fields, **changes})
    return outcome(body)


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def outcome(body: bytes) -> str:
    try:
        return VERIFIER.verify(signature(body, KEY), body).effect
    except Refused as error:
        return error.code


def test_p1_a_replay_is_as_good_as_the_first(monkeypatch):
    """P1: no time, no nonce: the verifier cannot tell, so the ledger must."""
    assert VERIFIER.verify(RIGHT, BODY) == VERIFIER.verify(RIGHT, BODY)


@pytest.mark.parametrize(
    "body", [{"gameId": 1220, "orderId": "o"}, {"gameId": 1220, "pageNo": 1, "pageSize": 5}]
)
def test_p2_what_we_send_is_no_notification(body):
    """P2: one key and formula in both directions."""
    assert outcome(compact(body)) == "field-missing"


@pytest.mark.parametrize(
    ("encode", "effect"),
    [
        *((name, "grant") for name in ("compact", "spaced", "indented", "sorted", "reversed", "escaped")),
        *((name, "grant") for name in ("slash_escaped", "trailing_newline", "bom", "nulls_dropped")),
        ("duplicate_keys", "field-invalid"),
        ("float_integers", "field-invalid"),
        ("gzip", "field-invalid"),
    ],
)
def test_p3_the_raw_bytes_are_what_is_signed(encode, effect):
    """P3: every spelling under its own signature, and none under another's."""
    body = dump_json(PAY, encode)

    assert outcome(body) == effect
    if body != BODY:
        assert code_of(VERIFIER.verify, RIGHT, body) == "signature-mismatch"


HEADERS: dict[str, tuple[Any, str | None]] = {
    "str": (RIGHT, None),
    "bytes": (RIGHT.encode(), None),
    "mapping": ({"authorization": RIGHT}, None),
    "wsgi pairs": ([("Authorization", RIGHT)], None),
    "asgi pairs": ([(b"host", b"x"), (b"authorization", RIGHT.encode())], None),
    "upper case": (RIGHT.upper(), "signature-mismatch"),
    "a space": (f" {RIGHT}", "signature-mismatch"),
    "with a scheme": (f"Signature {RIGHT}", "signature-mismatch"),
    "twice": ([(b"authorization", RIGHT.encode())] * 2, "signature-mismatch"),
    "twice in one": (f"{RIGHT}, {RIGHT}", "signature-mismatch"),
    "not ASCII": ("é" * 40, "signature-mismatch"),
    "not text": (b"\xff" * 40, "signature-mismatch"),
    "half a surrogate pair": ("\ud800" * 40, "signature-mismatch"),
    "one megabyte": ("a" * 1_000_000, "signature-mismatch"),
    "absent": (None, "signature-missing"),
    "absent among others": ([(b"host", b"x")], "signature-missing"),
    "empty": (b"", "signature-missing"),
}


@pytest.mark.parametrize("sent", HEADERS)
def test_p4_the_header_is_read_raw(sent):
    """P4: 40 lowercase digits without a scheme, as str or bytes."""
    value, code = HEADERS[sent]

    assert code_of(VERIFIER.verify, value, BODY) == code


def test_p4_every_key_is_compared_in_constant_time(monkeypatch):
    """P4: also where the first one fits, so that time does not tell which."""
    compared: list[tuple[str, str]] = []

    def watch(left: str, right: str) -> bool:
        compared.append((left, right))
        return compare_digest(left, right)  # the real one: a TypeError for text beyond ASCII

    monkeypatch.setattr("coinslot_verifier.notification.compare_digest", watch)
    ours = [signature(BODY, key) for key in (KEY, OLD_KEY)]

    for sent in (*ours, ours[1].encode(), "0" * 40):
        code_of(VERIFIER.verify, sent, BODY)
        text = sent.decode() if isinstance(sent, bytes) else sent
        assert compared == [(text, one) for one in ours]
        compared.clear()


@pytest.mark.parametrize("key", [KEY, OLD_KEY])
@pytest.mark.parametrize("odd", ["é", "\ud800", "１", "\0", b"\xff", b"\xc3\xa9"])
def test_p4_a_signature_with_more_than_ascii_is_refused_and_breaks_nothing(key, odd):
    """P4: also beside the right digits, as text or bytes; `compare_digest` raises for such text."""
    right = signature(BODY, key)

    for sent in (
        (right + odd, odd + right) if isinstance(odd, str) else (right.encode() + odd, odd + right.encode())
    ):
        assert code_of(VERIFIER.verify, sent, BODY) == "signature-mismatch"


@pytest.mark.parametrize(
    ("key", "code"), [(KEY, None), (OLD_KEY, None), (b"older key", "signature-mismatch")]
)
def test_p4_two_keys_while_one_is_replaced_and_no_third(key, code):
    """jogos:iap.key"""
    assert code_of(VERIFIER.verify, signature(BODY, key), BODY) == code


KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "P5 absent": (without(PAY, "paytype"), "grant"),
    "P5 camel case": ({**without(PAY, "paytype"), "payType": "pay"}, "grant"),
    "P5 null": ({**PAY, "paytype": None}, "grant"),
    "P5 absent, and refunded": (without(REFUND, "paytype"), "field-missing"),
    "P5 camel case, and refunded": ({**without(REFUND, "paytype"), "payType": "refund"}, "field-missing"),
    "P5 upper case": ({**PAY, "paytype": "PAY"}, "field-invalid"),
    "P5 unknown": ({**PAY, "paytype": "chargeback"}, "field-invalid"),
    "P5 a list": ({**PAY, "paytype": ["pay"]}, "field-invalid"),
    "P5 true": ({**PAY, "paytype": True}, "field-invalid"),
    "P6 refund": (REFUND, "revoke"),
    "P6 refund without a time": ({**REFUND, "refundTime": None}, "revoke"),
    "P6 refund, status null": ({**REFUND, "refundStatus": None}, "nothing"),
    "P6 refund, status 0": ({**REFUND, "refundStatus": 0}, "nothing"),
    "P6 refund, status 2": ({**REFUND, "refundStatus": 2}, "nothing"),
    "P6 refund, status 3": ({**REFUND, "refundStatus": 3}, "nothing"),
    "P6 refund, status 4": ({**REFUND, "refundStatus": 4}, "field-invalid"),
    "P6 refund, status text": ({**REFUND, "refundStatus": "1"}, "field-invalid"),
    "P6 refund, status true": ({**REFUND, "refundStatus": True}, "field-invalid"),
    "P6 pay, status 1": ({**PAY, "refundStatus": 1}, "revoke"),
    "P6 pay, status 0": ({**PAY, "refundStatus": 0}, "grant"),
    "P6 pay, status 2": ({**PAY, "refundStatus": 2}, "grant"),
    "P6 pay, status 3": ({**PAY, "refundStatus": 3}, "grant"),
    "P18 absent": (without(PAY, "refundStatus", "refundTime"), "grant"),
    "P18 empty": ({**PAY, "refundStatus": "", "refundTime": ""}, "grant"),
    "P18 the text null": ({**PAY, "refundStatus": "null", "refundTime": "null"}, "grant"),
    "P18 zero": ({**PAY, "refundStatus": 0, "refundTime": 0}, "grant"),
    "P18 refund with the text null": ({**REFUND, "refundStatus": "null"}, "nothing"),
    "P18 absent paytype and the text null": ({**without(PAY, "paytype"), "refundStatus": "null"}, "grant"),
}


@pytest.mark.parametrize("row", KINDS)
def test_p5_p6_p18_what_a_notification_does_to_money(row):
    """sandbox:pay-refunded-is-refund; never a grant on doubt."""
    fields, effect = KINDS[row]

    assert told(fields) == effect


ORDER = PAY["orderId"]
READ: dict[str, tuple[dict[str, Any], Callable[[Any], Any], Any]] = {
    "P7 case": ({"orderId": ORDER.swapcase()}, lambda fact: fact.order_id, ORDER.swapcase()),
    "P7 unicode": ({"orderId": "é中😀"}, lambda fact: fact.order_id, "é中😀"),
    "P7 digits": ({"orderId": "007"}, lambda fact: fact.order_id, "007"),
    "P7 a number": ({"orderId": 7}, None, "field-invalid"),
    "P7 long": ({"orderId": "x" * 256}, None, "field-invalid"),
    "P7 NUL": ({"orderId": "a\0b"}, None, "field-invalid"),
    "P7 empty": ({"orderId": ""}, None, "field-missing"),
    "P8 other": ({"gameId": 1221}, None, "game-mismatch"),
    "P8 zero": ({"gameId": 0}, None, "game-mismatch"),
    "P8 text": ({"gameId": "1220"}, lambda fact: fact.game_id, "1220"),
    "P8 leading zero": ({"gameId": "01220"}, None, "field-invalid"),
    "P9 delivered": ({"arrivedStatus": 1}, lambda fact: (fact.effect, fact.arrived_status), ("grant", 1)),
    "P9 unknown": ({"arrivedStatus": 2}, lambda fact: (fact.effect, fact.arrived_status), ("grant", 2)),
    "P10 milliseconds": ({"payTime": 1_755_657_115_000}, lambda fact: fact.effect, "grant"),
    "P10 text": ({"payTime": "1755657115"}, lambda fact: fact.paid_at_s, 1_755_657_115),
    "P10 zero": ({"payTime": 0, "createTime": 0}, lambda fact: fact.effect, "grant"),
    "P10 the document's 2005": ({"payTime": 1_112_211_221}, lambda fact: fact.effect, "grant"),
    "P10 beyond 64 bits": ({"payTime": 2**63}, None, "field-invalid"),
    "P11 extra": ({"amount": 1, "quantity": 100, "x": [{}]}, lambda fact: fact.product_id, "1002"),
    "P12 unknown product": (
        {"productId": "nobody-sells-this"},
        lambda fact: fact.product_id,
        "nobody-sells-this",
    ),
    "P12 a number": ({"productId": 1002}, None, "field-invalid"),
    "P13 text": ({"userId": "278"}, lambda fact: fact.user_id, "278"),
    "P13 beyond 2^53": ({"userId": 2**53 + 1}, lambda fact: fact.user_id, "9007199254740993"),
    "P13 the largest": ({"userId": 2**63 - 1}, lambda fact: fact.user_id, str(2**63 - 1)),
    "P13 beyond 64 bits": ({"userId": 2**63}, None, "field-invalid"),
    "P13 null": ({"userId": None}, None, "field-missing"),
    "P13 undefined": ({"userId": "undefined"}, None, "field-invalid"),
    "P13 a fraction": ({"userId": 278.0}, None, "field-invalid"),
    "P13 true": ({"userId": True}, None, "field-invalid"),
    "P13 negative": ({"userId": -1}, None, "field-invalid"),
}


@pytest.mark.parametrize("row", READ)
def test_p7_to_p13_what_is_read_and_how_exactly(row):
    """Tolerant where the document is open, exact with ids, strict on money."""
    changes, read, expected = READ[row]
    body = compact({**PAY, **changes})

    if read is None:
        assert code_of(VERIFIER.verify, signature(body, KEY), body) == expected
    else:
        assert read(VERIFIER.verify(signature(body, KEY), body)) == expected


@pytest.mark.parametrize(
    "body",
    [
        BODY.replace(b'"userId":278', b'"userId":278,"userId":279'),
        BODY.replace(b'"orderId"', b'"orderId":"x","orderId"'),
        BODY.replace(b'"refundTime":null', b'"refundTime":null,"extra":{"a":1,"a":2}'),
        BODY.replace(b"278", b"1e400"),
        BODY.replace(b"278", b"2.78e2"),
        BODY.replace(b"278", b"NaN"),
        BODY.replace(b"278", b"9" * 5_000),
        BODY.replace(b"1002", b"\xff"),
        BODY[:-1],
        BODY + b"{}",
        b"[" * 10_000,
        b"[]",
        b"null",
        b"",
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbf" * 2 + BODY,
        b" " * 2_000_000 + BODY,
        SHAPES["deep_nesting"](PAY),
    ],
)
def test_bytes_that_two_readers_could_take_differently_are_refused(body):
    """Duplicate keys at any depth, numbers beyond a double, bad UTF-8, too much of anything."""
    assert outcome(body) == "field-invalid"


@pytest.mark.parametrize(
    "name", ["gameId", "orderId", "arrivedStatus", "productId", "createTime", "payTime", "userId"]
)
@pytest.mark.parametrize("value", [None, "", ...])
def test_p15_a_required_member_that_is_missing_is_305(name, value):
    """jogos:iap.1.err"""
    body = compact(without(PAY, name) if value is ... else {**PAY, name: value})

    with pytest.raises(Refused) as caught:
        VERIFIER.verify(signature(body, KEY), body)
    assert caught.value.code == "field-missing"
    assert json.loads(VERIFIER.reply_for(caught.value).body)["code"] == "305"


REPLIES = {
    "field-missing": (200, "305"),
    "field-invalid": (200, "305"),
    "game-mismatch": (200, "40001"),
    "signature-missing": (200, "41007"),
    "signature-mismatch": (200, "41007"),
    "ledger-unavailable": (503, "500"),
    "key-source-unavailable": (503, "500"),
    "verify-unavailable": (503, "500"),
    "confirm-unavailable": (503, "500"),
}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_p14_p15_every_error_has_its_ready_reply(error: type[CoinslotError]):
    """P14, P15: JSON with the code as a string; what is undecided is asked again."""
    reply = VERIFIER.reply_for(error("a detail that stays here"))

    assert (reply.status, json.loads(reply.body)["code"]) == REPLIES.get(error.code, (200, "500"))
    assert reply.header("Content-Type") == "application/json"
    assert b"stays here" not in reply.body


def test_p16_p17_the_key_of_a_fact_is_game_order_and_effect():
    """P16, P17: pay and refund of one order differ in nothing else that a ledger may use."""
    pay, refund = (VERIFIER.verify(signature(body, KEY), body) for body in (BODY, compact(REFUND)))

    assert (pay.game_id, pay.order_id) == (refund.game_id, refund.order_id)
    assert (pay.effect, refund.effect) == ("grant", "revoke")


@pytest.mark.parametrize("wrap", [bytearray, memoryview])
def test_p19_any_buffer_of_the_raw_bytes_will_do(wrap):
    """P19: whatever the Content-Type said."""
    assert VERIFIER.verify(RIGHT, wrap(BODY)).effect == "grant"


def test_p19_a_decoded_body_is_the_callers_mistake():
    """Written again or decoded, it would be other bytes."""
    with pytest.raises(TypeError, match="raw bytes of the request, not str"):
        VERIFIER.verify(RIGHT, BODY.decode())  # type: ignore[arg-type]
