"""Misdeliveries that are about the bytes, seen by a backend that shares no code with the sandbox.

Each is asked of a hand-made callback and set as a fault on the schedule's attempts; bodies are compared byte
for byte with what is written down here, signatures are made anew with hashlib.
"""

import gzip
import hashlib
import json

import pytest
from coinslot_contracts.vocabulary import ENCODINGS, FIELD_SHAPES, SIGNATURE_DEFECTS, WRONG_KEYS
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.recording_backend import Says
from coinslot_testkit.waiting import until

KEY = b"the shared key"


@pytest.fixture(scope="module")
def sandbox():
    """One sandbox for all: each test begins with a reset."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7)) as running:
        yield running


@pytest.fixture
def game(shop, backend):
    """The default game with a known key, an earlier one, and another game beside it."""
    shop.done("POST", "/reset")
    shop.set_game(shared_key="the key before", callback_url=backend.url, retry="none")
    shop.set_game(shared_key=KEY.decode())
    shop.done("PUT", "/games/4711", {"shared_key": "another game's key"})
    return shop


def _by_callback(shop, backend, kinds, **call):
    shop.done("POST", "/clock/freeze")  # an order that is paid in the next second has another payTime
    order = shop.order()["order"]
    sent = shop.done("POST", "/callbacks", {"order": order["order_id"], "type": "pay", "with": kinds, **call})
    assert len(sent["attempts"]) == 1
    return shop.done("GET", f"/orders/{order['order_id']}")["order"], backend.arrivals[-1]


def _by_fault(shop, backend, kinds):
    (kind,) = kinds
    fault = shop.done("POST", "/faults", {"at": "delivery", "with": {**kinds, "times": 1}})
    step = shop.order(paid=True)
    arrival = backend.wait_for(1)[-1]
    detail = shop.await_delivery(step["delivery"]["delivery_id"], "delivered", "failed")
    assert [attempt["fault_id"] for attempt in detail["attempts"]] == [fault["fault_id"]]
    assert detail["attempts"][0]["cause"] == "schedule"
    until(lambda: _fired(shop, fault) > 0, says=f"{kind} was not counted")  # that follows the attempt
    assert _fired(shop, fault) == 1, kind
    return step["order"], arrival


def _fired(shop, fault):
    (report,) = (one for one in shop.done("GET", "/faults")["faults"] if one["fault_id"] == fault["fault_id"])
    return report["fired"]


WAYS = {"callback": _by_callback, "fault": _by_fault}


def _good(order):
    """What the document's table makes of an order, written by hand."""
    return {
        "paytype": "pay",
        "gameId": int(order["game_id"]),
        "orderId": order["order_id"],
        "arrivedStatus": 0,
        "productId": order["product_id"],
        "createTime": order["created_at_s"],
        "payTime": order["paid_at_s"] or order["created_at_s"],
        "userId": int(order["user_id"]),
        "refundStatus": None,
        "refundTime": None,
    }


def _compact(members):
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def _sha1(body, key=KEY):
    return hashlib.sha1(body + key).hexdigest()


@pytest.mark.parametrize("way", WAYS)
def test_a_good_notification_is_the_twin_of_all_below(game, backend, way):
    """jogos:iap.1.fields, jogos:iap.sha1: compact, in the documented order, signed over its bytes."""
    kinds = {"altered": {"encode": "compact"}}

    order, arrival = WAYS[way](game, backend, kinds)

    assert arrival.body == _compact(_good(order))
    assert arrival.header("Authorization") == _sha1(arrival.body)
    assert arrival.header("Content-Type") == "application/json"
    assert order["paid"]


def _signature(name, body):
    digest = _sha1(body)
    return {
        "missing": None,
        "empty": "",
        "upper": digest.upper(),
        "truncated": digest[:39],
        "flipped": digest[:-1] + ("1" if digest[-1] == "0" else "0"),
        "bearer": f"Bearer {digest}",
        "signature_word": f"Signature {digest}",
        "sha256": hashlib.sha256(body + KEY).hexdigest(),
        "key_first": hashlib.sha1(KEY + body).hexdigest(),
        "other_game_key": _sha1(body, b"another game's key"),
        "previous_key": _sha1(body, b"the key before"),
        "empty_key": _sha1(body, b""),
        "newline_key": _sha1(body, KEY + b"\n"),
    }.get(name, ...)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", [name for name in SIGNATURE_DEFECTS if name != "valid"])
def test_a_corrupt_signature_is_over_the_good_body(game, backend, how, way):
    """sandbox.md, corrupt_signature: the body is untouched, the order's state is too."""
    order, arrival = WAYS[way](game, backend, {"corrupt_signature": {"how": how}})

    sent = arrival.header("Authorization")
    expected = _signature(how, arrival.body)
    assert arrival.body == _compact(_good(order))
    assert expected is ... or sent == expected
    assert sent != _sha1(arrival.body)
    assert order["paid"] == (way == "fault")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("which", WRONG_KEYS)
def test_a_wrong_key_signs_the_good_body(game, backend, which, way):
    """sandbox.md, wrong_key: another game's, the previous, an empty one, one with a newline."""
    order, arrival = WAYS[way](game, backend, {"wrong_key": which})

    expected = _signature(WRONG_KEYS[which], arrival.body)
    assert arrival.body == _compact(_good(order))
    assert arrival.header("Authorization") == expected or (which == "other" and expected is ...)
    assert arrival.header("Authorization") != _sha1(arrival.body)


SPELT = {
    "compact": _compact,
    "spaced": lambda members: json.dumps(members).encode(),
    "indented": lambda members: json.dumps(members, indent=2).encode(),
    "sorted": lambda members: json.dumps(members, separators=(",", ":"), sort_keys=True).encode(),
    "reversed": lambda members: _compact(dict(reversed(members.items()))),
    "trailing_newline": lambda members: _compact(members) + b"\n",
    "bom": lambda members: b"\xef\xbb\xbf" + _compact(members),
    "nulls_dropped": lambda members: _compact({k: v for k, v in members.items() if v is not None}),
    "duplicate_keys": lambda members: b"{%b,%b}" % ((_compact(members)[1:-1],) * 2),
    "slash_escaped": lambda members: _compact(members).replace(b"/", b"\\/"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("encode", ENCODINGS)
def test_an_altered_spelling_is_signed_over_its_own_bytes(game, backend, encode, way):
    """sandbox.md, altered_whitespace: a backend that hashes raw bytes accepts every one."""
    order, arrival = WAYS[way](game, backend, {"altered": {"encode": encode}})

    assert arrival.header("Authorization") == _sha1(arrival.body)
    assert order["paid"]
    if encode in SPELT:
        assert arrival.body == SPELT[encode](_good(order))
    if encode == "gzip":
        assert gzip.decompress(arrival.body) == _compact(_good(order))
        assert arrival.header("Content-Encoding") == "gzip"
    if encode == "float_integers":
        assert json.loads(arrival.body, parse_int=pytest.fail) == _good(order)
        assert f'"userId":{order["user_id"]}.0'.encode() in arrival.body
    if encode == "escaped":
        assert json.loads(arrival.body) == _good(order)
        assert b'"paytype":"\\u0070ay"' in arrival.body


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("encode", [name for name in SPELT if name not in ("compact", "slash_escaped")])
def test_a_resigned_mismatch_has_the_signature_of_the_good_spelling(game, backend, encode, way):
    """sandbox.md, resigned_mismatch: the same value, but other bytes than those that were signed."""
    order, arrival = WAYS[way](game, backend, {"resigned_mismatch": encode})

    assert arrival.body == SPELT[encode](_good(order))
    assert arrival.header("Authorization") == _sha1(_compact(_good(order))) != _sha1(arrival.body)
    assert order["paid"] == (way == "fault")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("field", ["userId", "productId", "gameId", "paytype", "refundStatus"])
def test_a_tampered_field_has_the_old_signature(game, backend, field, way):
    """sandbox.md, tampered_field: one member differs, the signature is the good body's."""
    order, arrival = WAYS[way](game, backend, {"tampered_field": field})

    good, sent = _good(order), arrival.json
    assert {name for name in good if good[name] != sent[name]} == {field}
    assert list(sent) == list(good)
    assert arrival.header("Authorization") == _sha1(_compact(good))
    assert order["paid"] == (way == "fault")


GENUINE = {
    "paytype_missing",
    "paytype_unknown",
    "paytype_camel",
    "paytype_upper",
    "refund_fields_absent",
    "refund_fields_empty",
    "refund_fields_text_null",
    "refund_fields_zero",
    "refund_status_null",
    "refund_status_0",
    "refund_status_1",
    "refund_status_2",
    "refund_status_3",
    "refund_time_missing",
    "ids_as_strings",
    "ids_as_numbers",
    "arrived_status_1",
    "arrived_status_2",
    "times_milliseconds",
    "times_as_strings",
    "times_zero",
    "paid_before_created",
    "extra_fields",
}
"""Shapes that speak of the order itself, so that the portal's record follows them."""


@pytest.mark.parametrize("shape", FIELD_SHAPES)
def test_a_shape_is_signed_and_the_order_follows_where_it_is_meant(game, backend, shape):
    """sandbox.md, field_shape; the bytes of each are compared in tests/contracts/test_jogos_shapes.py."""
    order, arrival = _by_callback(game, backend, {"field_shape": shape})

    assert arrival.header("Authorization") == _sha1(arrival.body)
    assert (arrival.body == _compact(_good(order))) == (shape == "refund_status_null")
    assert order["paid"] == (shape in GENUINE)


@pytest.mark.parametrize(
    "shape", ["paytype_missing", "user_id_null", "nan", "deep_nesting", "times_as_strings"]
)
def test_a_shape_is_a_fault_of_the_schedule_too(game, backend, shape):
    """The next attempt is as it should be: the fault was for one."""
    game.set_game(retry=[0.01])
    backend.answer_with(Says(status=500), Says())
    fault = game.done("POST", "/faults", {"at": "delivery", "with": {"field_shape": shape, "times": 1}})

    step = game.order(paid=True)

    odd, good = backend.wait_for(2)
    assert odd.header("Authorization") == _sha1(odd.body)
    assert odd.body != good.body == _compact(_good(step["order"]))
    detail = game.await_delivery(step["delivery"]["delivery_id"], "delivered")
    assert [attempt["fault_id"] for attempt in detail["attempts"]] == [fault["fault_id"], None]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("text/plain", "text/plain"),
        ("", None),
        ("application/json; charset=gbk", ...),
        ("text/plain; name=caf\xe9", ...),
    ],
)
def test_another_content_type_leaves_the_bytes_alone(game, backend, value, sent, way):
    """sandbox.md, wrong_content_type: read bytes, whatever the type."""
    order, arrival = WAYS[way](game, backend, {"wrong_content_type": {"value": value}})

    assert arrival.header("Content-Type") == (value if sent is ... else sent)
    assert arrival.body == _compact(_good(order))
    assert arrival.header("Authorization") == _sha1(arrival.body)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("signed", ["sent", "plain"])
def test_a_compressed_body_is_signed_before_or_behind(game, backend, signed, way):
    """sandbox.md, gzip_request: which bytes count is a question to the backend."""
    order, arrival = WAYS[way](game, backend, {"gzip": signed})

    plain = gzip.decompress(arrival.body)
    assert plain == _compact(_good(order))
    assert arrival.header("Content-Encoding") == "gzip"
    assert arrival.header("Authorization") == _sha1(arrival.body if signed == "sent" else plain)
    assert order["paid"]


@pytest.mark.parametrize("way", WAYS)
def test_an_old_capture_is_genuine_and_old(game, backend, way):
    """sandbox.md, replay_old: nothing in the scheme says when."""
    order, arrival = WAYS[way](game, backend, {"replay_old": {"days": 30}})

    good, month_s = _good(order), 30 * 86_400
    old = {**good, "createTime": good["createTime"] - month_s, "payTime": good["payTime"] - month_s}
    assert arrival.body == _compact(old)
    assert arrival.header("Authorization") == _sha1(arrival.body)
    assert order["paid"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("of", ["arrived", "orders"])
def test_a_reflection_is_what_the_backend_itself_signed(game, backend, of, way):
    """sandbox.md, T21: one rule in both directions, so its own bodies come back validly signed."""
    said = {
        "arrived": ("/api/gamepay/webhook/arrivedorder", {"gameId": int(game.game_id), "orderId": "any"}),
        "orders": ("/api/gamepay/getOrders", {"gameId": int(game.game_id), "pageNo": 1, "pageSize": 20}),
    }
    for path, members in said.values():
        game.portal(path, b" " + json.dumps(members).encode(), key=KEY.decode())
        game.portal(path, json.dumps({**members, "orderId": "forged"}).encode(), key="a wrong key")

    order, arrival = WAYS[way](game, backend, {"reflection": {"of": of}})

    assert arrival.body == b" " + json.dumps(said[of][1]).encode()
    assert arrival.header("Authorization") == _sha1(arrival.body)
    assert order["paid"] == (way == "fault")


def test_nothing_can_be_reflected_before_anything_was_said(game, backend):
    """The twin: what is forged, and what another game said, is nothing either."""
    body = json.dumps({"gameId": int(game.game_id), "pageNo": 1, "pageSize": 20}).encode()
    game.portal("/api/gamepay/getOrders", body, key="a wrong key")
    call = {"order": game.order_id(), "type": "pay", "with": {"reflection": "orders"}}

    assert game.refused("POST", "/callbacks", call) == (409, "nothing-to-reflect")
    assert backend.arrivals == []


@pytest.mark.parametrize("way", WAYS)
def test_a_notification_of_one_game_goes_to_the_url_of_another(game, backend, way):
    """sandbox.md, cross_game: genuine for its own game, so the other one must look at gameId."""
    game.set_game(callback_url="http://127.0.0.1:9/own")
    game.done("PUT", "/games/4711", {"callback_url": backend.url})

    order, arrival = WAYS[way](game, backend, {"cross_game": {"game": "4711"}})

    assert arrival.body == _compact(_good(order))
    assert arrival.header("Authorization") == _sha1(arrival.body)
    assert order["paid"] == (way == "fault")


def test_a_fault_that_cannot_act_has_missed_and_the_attempt_is_good(game, backend):
    """No other game has a callback URL: nothing to send to, so the notification comes as it should."""
    fault = game.done("POST", "/faults", {"at": "delivery", "with": {"cross_game": True}})

    step = game.order(paid=True)

    (arrival,) = backend.wait_for(1)
    assert arrival.body == _compact(_good(step["order"]))
    assert arrival.header("Authorization") == _sha1(arrival.body)
    assert _fired(game, fault) == 0


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        ({"with": {"delay": 5}}, (400, "fault-kind-inapplicable")),
        ({"with": {"duplicate": 2}}, (400, "fault-kind-inapplicable")),
        ({"with": {"chunky": True}}, (400, "field-unknown")),
        ({"with": {"field_shape": "paytype_mising"}}, (400, "field-invalid")),
        ({"with": {"field_shape": True}}, (400, "field-missing")),
        ({"with": {"field_shape": "nan", "altered": "spaced"}}, (400, "field-invalid")),
        ({"with": {"corrupt_signature": "upper", "wrong_key": "empty"}}, (400, "field-invalid")),
        ({"with": {"corrupt_signature": "upper"}, "signature": "missing"}, (400, "field-invalid")),
        ({"with": {"burst": 2}, "copies": 3}, (400, "field-invalid")),
        ({"with": {"field_shape": "nan"}, "body": {"encode": "spaced"}}, (400, "field-invalid")),
        ({"with": {"cross_game": "999"}}, (409, "other-game-unknown")),
        ({"with": {"resigned_mismatch": "spaced"}, "body": {"encode": "spaced"}}, (409, "spelling-same")),
        ({"with": {"altered": "zip"}}, (400, "field-invalid")),
        ({"with": {"wrong_content_type": "\u20ac"}}, (400, "field-invalid")),
        ({"with": {"wrong_content_type": {"value": "text/plain\n"}}}, (400, "field-invalid")),
        ({"with": []}, (400, "field-invalid")),
    ],
)
def test_a_misdelivery_that_makes_no_sense_is_refused(game, backend, call, refusal):
    """Nothing leaves and the order stays as it was; 409 is what is missing, 400 what is said wrongly."""
    order_id = game.order_id()

    assert game.refused("POST", "/callbacks", {"order": order_id, "type": "pay", **call}) == refusal
    assert backend.arrivals == []
    assert not game.done("GET", f"/orders/{order_id}")["order"]["paid"]


def test_kinds_about_different_things_go_together(game, backend):
    """A refund, oddly spelt, wrongly signed, chunked nowhere: three kinds in one call."""
    kinds = {"altered": "sorted", "corrupt_signature": "upper", "wrong_content_type": "text/html"}

    order, arrival = _by_callback(game, backend, kinds)

    assert arrival.body == SPELT["sorted"](_good(order))
    assert arrival.header("Authorization") == _sha1(arrival.body).upper()
    assert arrival.header("Content-Type") == "text/html"
