"""Hand-made callbacks: the bytes, the signature and the number of copies that were asked for."""

import base64
import gzip
import hashlib
import hmac
import json
import threading

import pytest
from coinslot_contracts.vocabulary import ENCODINGS, SIGNATURE_DEFECTS
from coinslot_testkit.recording_backend import Says


def _send(shop, **call):
    return shop.done("POST", "/callbacks", {"type": "pay", **call})


def _state(shop, order_id):
    order = shop.done("GET", f"/orders/{order_id}")["order"]
    return order["state"], order["refundStatus"]


def test_a_genuine_notification_pays_the_order_before_it_leaves(shop, backend):
    """interface: the order becomes paid before the first byte leaves."""
    order_id = shop.order_id()
    seen: list[tuple[str, int | None]] = []
    backend.answer_by(lambda _arrival: seen.append(_state(shop, order_id)) or Says())

    sent = _send(shop, order=order_id)

    (arrival,) = backend.arrivals
    assert seen == [("paid", None)]
    assert arrival.json["orderId"] == order_id
    assert (
        arrival.header("Authorization") == hashlib.sha1(arrival.body + shop.shared_key.encode()).hexdigest()
    )
    assert (sent["delivery"]["mode"], sent["delivery"]["state"]) == ("manual", "delivered")
    assert [attempt["cause"] for attempt in sent["attempts"]] == ["manual"]


def test_a_genuine_refund_of_an_unpaid_order_pays_and_refunds_it(shop, backend):
    """A refund implies a payment; a later pay never takes it back."""
    order_id = shop.order_id()

    _send(shop, order=order_id, type="refund")
    assert _state(shop, order_id) == ("paid", 1)
    _send(shop, order=order_id)

    assert _state(shop, order_id) == ("paid", 1)
    assert [arrival.json["refundStatus"] for arrival in backend.arrivals] == [1, 1]
    assert [arrival.json["paytype"] for arrival in backend.arrivals] == ["refund", "pay"]


@pytest.mark.parametrize(
    "call",
    [
        {"signature": "missing"},
        {"signature": "upper"},
        {"body": {"set": {"userId": 1}}},
        {"body": {"set": {"gameId": 1}}},
        {"body": {"set": {"productId": "9"}}},
        {"body": {"set": {"orderId": "other"}}},
        {"body": {"drop": ["userId"]}},
        {"body": {"raw": "not json"}},
        {"body": {"raw": ""}},
        {"type": "refund", "body": {"set": {"refundStatus": 2}}},
    ],
)
def test_a_notification_that_is_not_genuine_changes_nothing(shop, call):
    """interface: otherwise its state does not change."""
    order_id = shop.order_id()

    _send(shop, order=order_id, **call)

    assert _state(shop, order_id) == ("created", None)


@pytest.mark.parametrize(
    "call",
    [
        {"body": {"set": {"extra": [1, {"a": None}]}}},
        {"body": {"drop": ["paytype", "refundTime"]}},
        {"body": {"encode": "gzip"}},
        {"headers": {"Content-Type": "text/plain"}},
    ],
)
def test_what_leaves_the_ids_alone_is_genuine(shop, call):
    """The twin: signature valid, gameId, orderId, userId and productId the order's."""
    order_id = shop.order_id()

    _send(shop, order=order_id, **call)

    assert _state(shop, order_id) == ("paid", None)


@pytest.mark.parametrize("encode", ENCODINGS)
def test_each_spelling_is_signed_over_the_bytes_that_are_sent(shop, backend, encode):
    """jogos:iap.sha1: sha1(body + key) of what arrives, however it is spelt."""
    order_id = shop.order_id()

    _send(shop, order=order_id, body={"encode": encode, "set": {"note": "a/b é"}})

    (arrival,) = backend.arrivals
    signed = hashlib.sha1(arrival.body + shop.shared_key.encode()).hexdigest()
    assert arrival.header("Authorization") == signed
    plain = gzip.decompress(arrival.body) if encode == "gzip" else arrival.body
    assert json.loads(plain)["orderId"] == order_id
    assert arrival.header("Content-Encoding") == ("gzip" if encode == "gzip" else None)


def test_the_spellings_differ(shop, backend):
    """As many names, as many bodies."""
    order_id = shop.order_id()
    shop.done("POST", f"/orders/{order_id}/pay", {"callback": "manual"})

    for encode in ENCODINGS:
        _send(shop, order=order_id, body={"encode": encode, "set": {"note": "a/b é"}})

    assert len({arrival.body for arrival in backend.arrivals}) == len(ENCODINGS)


def _expected_signature(name, body, key):
    digest = hashlib.sha1(body + key).hexdigest()
    return {
        "valid": digest,
        "missing": None,
        "empty": "",
        "upper": digest.upper(),
        "truncated": digest[:39],
        "key_first": hashlib.sha1(key + body).hexdigest(),
        "hmac": hmac.new(key, body, hashlib.sha1).hexdigest(),
        "sha256": hashlib.sha256(body + key).hexdigest(),
        "bearer": f"Bearer {digest}",
        "flipped": digest[:-1] + ("1" if digest[-1] == "0" else "0"),
        "signature_word": f"Signature {digest}",
        "base64": base64.b64encode(hashlib.sha1(body + key).digest()).decode(),
        "empty_key": hashlib.sha1(body).hexdigest(),
        "newline_key": hashlib.sha1(body + key + b"\n").hexdigest(),
        "other_game_key": hashlib.sha1(body + b"key of another game").hexdigest(),
        "previous_key": hashlib.sha1(body + b"key before").hexdigest(),
    }.get(name, ...)


@pytest.mark.parametrize("name", SIGNATURE_DEFECTS)
def test_each_signature_is_what_its_name_says(shop, backend, name):
    """vocabulary.SIGNATURE_DEFECTS."""
    order_id = shop.order_id()
    shop.done("PUT", "/games/4711", {"shared_key": "key of another game"})
    shop.set_game(shared_key="key before")
    shop.set_game(shared_key="key now")

    _send(shop, order=order_id, signature=name)

    (arrival,) = backend.arrivals
    right = hashlib.sha1(arrival.body + b"key now").hexdigest()
    sent = arrival.header("Authorization")
    expected = _expected_signature(name, arrival.body, b"key now")
    assert expected is ... or sent == expected
    assert (sent == right) == (name == "valid")
    if name in ("wrong_key", "other_body"):
        assert len(sent) == 40
    if name == "non_ascii":
        assert not sent.isascii()


@pytest.mark.parametrize("name", ["other_game_key", "previous_key"])
def test_a_key_that_there_is_none_of_signs_nothing(shop, backend, name):
    """The twin: without another game, and before the first change of the key, nothing leaves."""
    call = {"order": shop.order_id(), "type": "pay", "signature": name}

    assert shop.refused("POST", "/callbacks", call) == (409, "key-unknown")
    assert backend.arrivals == []


@pytest.mark.parametrize("at_once", [False, True])
def test_exactly_so_many_copies_are_sent(shop, backend, at_once):
    """Never a retry, whatever is answered."""
    backend.answer_with(Says(status=500))
    order_id = shop.order_id()

    sent = _send(shop, order=order_id, copies=6, at_once=at_once)

    assert [attempt["attempt"] for attempt in sent["attempts"]] == [1, 2, 3, 4, 5, 6]
    assert (sent["delivery"]["state"], sent["delivery"]["next_at_s"]) == ("failed", None)
    assert len(backend.arrivals) == 6
    assert len({arrival.body for arrival in backend.arrivals}) == 1
    assert shop.done("GET", f"/deliveries/{sent['delivery']['delivery_id']}")["attempts"] == sent["attempts"]


def test_raw_text_is_sent_as_it_is(shop, backend):
    """body.raw, signed over its bytes."""
    _send(shop, order=shop.order_id(), body={"raw": "{é\n"})

    (arrival,) = backend.arrivals
    assert arrival.body == "{é\n".encode()
    assert (
        arrival.header("Authorization") == hashlib.sha1(arrival.body + shop.shared_key.encode()).hexdigest()
    )


def test_headers_are_replaced_and_left_out(shop, backend):
    """null leaves one out; another spelling of a name is the same header."""
    _send(shop, order=shop.order_id(), headers={"content-type": None, "X-Odd": "1", "user-agent": "me"})

    (arrival,) = backend.arrivals
    assert arrival.header("Content-Type") is None
    assert (arrival.header("X-Odd"), arrival.header("User-Agent")) == ("1", "me")


def test_a_url_of_ones_own_needs_no_callback_url(client, backend):
    """url overrides the game's; without either the precondition is unmet."""
    order_id = client.order_id()

    assert client.refused("POST", "/callbacks", {"order": order_id, "type": "pay"}) == (
        409,
        "game-without-callback-url",
    )
    assert _state(client, order_id) == ("created", None)
    _send(client, order=order_id, url=f"{backend.url}?x=1")

    assert backend.arrivals[0].target == "/notify?x=1"


def test_a_silent_backend_is_waited_for_as_long_as_asked(shop, backend):
    """timeout_s."""
    release = threading.Event()
    backend.answer_with(Says(after=release))

    (attempt,) = _send(shop, order=shop.order_id(), timeout_s=0.1)["attempts"]
    release.set()

    assert (attempt["error"], attempt["reply"]) == ("timeout", None)


def test_an_answer_is_kept_up_to_64_kib(shop, backend):
    """What a backend says beyond that is thrown away."""
    backend.answer_with(Says(body=b"x" * 100_000))

    (attempt,) = _send(shop, order=shop.order_id())["attempts"]

    assert base64.b64decode(attempt["reply"]["body_b64"]) == b"x" * 65_536


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"order": "none"}, (404, "order-unknown")),
        ({"type": None}, (400, "field-missing")),
        ({"type": "chargeback"}, (400, "field-invalid")),
        ({"signature": "uper"}, (400, "field-invalid")),
        ({"body": {"encode": "zip"}}, (400, "field-invalid")),
        ({"body": {"raw": "x", "set": {}}}, (400, "field-invalid")),
        ({"body": {"sets": {}}}, (400, "field-unknown")),
        ({"body": {"set": {"a": "\ud800"}}}, (400, "field-invalid")),
        ({"headers": {"X": "a\r\nY: b"}}, (400, "field-invalid")),
        ({"headers": {"X Y": "a"}}, (400, "field-invalid")),
        ({"headers": {"Content-Length": "1"}}, (400, "field-invalid")),
        ({"headers": {"X": 1}}, (400, "field-invalid")),
        ({"copies": 0}, (400, "field-invalid")),
        ({"copies": 201}, (400, "field-invalid")),
        ({"timeout_s": 121}, (400, "field-invalid")),
        ({"url": "http://8.8.8.8/"}, (400, "callback-url-not-allowed")),
        ({"at_once": "yes"}, (400, "field-invalid")),
    ],
)
def test_a_callback_that_cannot_be_sent_is_refused(shop, backend, call, expected):
    """Nothing leaves, nothing changes."""
    order_id = shop.order_id()

    assert shop.refused("POST", "/callbacks", {"order": order_id, "type": "pay", **call}) == expected
    assert _state(shop, order_id) == ("created", None)
    assert backend.arrivals == []
