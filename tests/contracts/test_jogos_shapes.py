"""Odd bodies of the Jogos notification, compared byte for byte with what their names say."""

import json

import pytest
from coinslot_contracts.errors import Refused
from coinslot_contracts.json_bytes import dump_compact
from coinslot_contracts.portals.jogos.notices import NOTICES
from coinslot_contracts.portals.jogos.shapes import SHAPES
from coinslot_contracts.vocabulary import FIELD_SHAPES

GOOD = {
    "paytype": "pay",
    "gameId": 1220,
    "orderId": "aB3",
    "arrivedStatus": 0,
    "productId": "1002",
    "createTime": 1_757_905_298,
    "payTime": 1_757_905_315,
    "userId": 257,
    "refundStatus": None,
    "refundTime": None,
}
REFUND = {**GOOD, "paytype": "refund", "refundStatus": 1, "refundTime": 1_757_999_999}


def _changed(**changes):
    return {**GOOD, **changes}


EXPECTED = {
    "paytype_missing": {name: value for name, value in GOOD.items() if name != "paytype"},
    "paytype_unknown": _changed(paytype="chargeback"),
    "paytype_camel": {("payType" if name == "paytype" else name): value for name, value in GOOD.items()},
    "paytype_upper": _changed(paytype="PAY"),
    "refund_fields_absent": {name: value for name, value in GOOD.items() if not name.startswith("refund")},
    "refund_fields_empty": _changed(refundStatus="", refundTime=""),
    "refund_fields_text_null": _changed(refundStatus="null", refundTime="null"),
    "refund_fields_zero": _changed(refundStatus=0, refundTime=0),
    "refund_status_null": GOOD,
    "refund_status_0": _changed(refundStatus=0),
    "refund_status_1": _changed(refundStatus=1, refundTime=1_757_905_315),
    "refund_status_2": _changed(refundStatus=2),
    "refund_status_3": _changed(refundStatus=3),
    "refund_time_missing": _changed(refundStatus=1),
    "order_id_number": _changed(orderId=4_419_092_116),
    "order_id_case_twin": _changed(orderId="Ab3"),
    "order_id_long": _changed(orderId=("aB3" * 334)[:1000]),
    "order_id_unicode": _changed(orderId="aB3é中😀"),
    "ids_as_strings": _changed(gameId="1220", userId="257"),
    "ids_as_numbers": _changed(productId=1002),
    "ids_beyond_doubles": _changed(userId=9_007_199_254_740_993),
    "user_id_zero": _changed(userId=0),
    "user_id_null": _changed(userId=None),
    "unknown_user": _changed(userId=2_147_483_646),
    "unknown_product": _changed(productId="nobody-sells-this"),
    "unknown_order": _changed(orderId="NobodyHasEverOrderedThis000000"),
    "unknown_game": _changed(gameId=1221),
    "product_id_case": _changed(productId="1002X"),
    "arrived_status_1": _changed(arrivedStatus=1),
    "arrived_status_2": _changed(arrivedStatus=2),
    "times_milliseconds": _changed(createTime=1_757_905_298_000, payTime=1_757_905_315_000),
    "times_as_strings": _changed(createTime="1757905298", payTime="1757905315"),
    "times_zero": _changed(createTime=0, payTime=0),
    "paid_before_created": _changed(payTime=1_757_905_238),
    "extra_fields": _changed(amount=0, currency="USD", quantity=100, extra={"list": [1, "two", None]}),
}
"""What a shape's body holds, for those that are JSON which every parser reads alike."""


def _text(members):
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_shape_is_what_its_name_says(name):
    """jogos:iap.1.fields: members, types and order are compared, as bytes."""
    assert SHAPES[name](GOOD).decode() == _text(EXPECTED[name])


@pytest.mark.parametrize(
    ("name", "spelt"),
    [
        ("duplicate_order_id", '{"orderId":"NobodyHasEverOrderedThis000000",' + _text(GOOD)[1:]),
        ("nan", _text(GOOD).replace('"refundTime":null', '"refundTime":NaN')),
        ("deep_nesting", _text(GOOD)[:-1] + ',"extra":' + "[" * 10_000 + "]" * 10_000 + "}"),
    ],
)
def test_a_shape_that_parsers_read_differently_is_what_its_name_says(name, spelt):
    """rfc8259:4: some parsers take them, some refuse, some crash."""
    assert SHAPES[name](GOOD).decode() == spelt
    with pytest.raises(Refused):
        NOTICES.parse(SHAPES[name](GOOD))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("paytype_upper", {"paytype": "REFUND"}),
        ("refund_status_null", {"refundStatus": None, "refundTime": None}),
        ("refund_status_2", {"refundStatus": 2, "refundTime": None}),
        ("refund_status_1", {}),
        ("refund_time_missing", {"refundTime": None}),
        (
            "times_milliseconds",
            {name: REFUND[name] * 1000 for name in ("createTime", "payTime", "refundTime")},
        ),
        ("times_zero", {"createTime": 0, "payTime": 0, "refundTime": 0}),
    ],
)
def test_a_refund_is_shaped_in_the_same_way(name, changes):
    """jogos:iap.4: the same members; times of the refund too."""
    assert SHAPES[name](REFUND).decode() == _text({**REFUND, **changes})


def test_an_id_of_digits_keeps_them():
    """The number is the order's own id, where that can be one."""
    assert json.loads(SHAPES["order_id_number"](_changed(orderId="12345")))["orderId"] == 12_345
    assert json.loads(SHAPES["ids_as_numbers"](_changed(orderId="12345")))["orderId"] == 12_345


def test_every_shape_has_its_sentence_and_its_test():
    """vocabulary.FIELD_SHAPES; a shape is never the good body, but for the one that is so by nature."""
    assert list(SHAPES) == list(FIELD_SHAPES) == list(NOTICES.shapes)
    assert set(SHAPES) == {*EXPECTED, "duplicate_order_id", "nan", "deep_nesting"}
    assert [name for name in SHAPES if SHAPES[name](GOOD) == dump_compact(GOOD)] == ["refund_status_null"]
    assert [name for name in SHAPES if SHAPES[name](REFUND) == dump_compact(REFUND)] == ["refund_status_1"]
