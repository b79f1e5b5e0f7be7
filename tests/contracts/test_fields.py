"""The only coercions in the product, field by field."""

import pytest
from coinslot_contracts import fields
from coinslot_contracts.errors import FieldInvalid, FieldMissing
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.strategies import JSON_VALUES
from hypothesis import given
from hypothesis import strategies as st

READERS = {
    "decimal_id": fields.decimal_id,
    "text": fields.text,
    "seconds": fields.seconds,
    "optional_seconds": fields.optional_seconds,
    "positive_int": fields.positive_int,
    "choice": lambda members, name: fields.choice(members, name, (0, 1, "pay")),
}


@pytest.mark.parametrize("reader", [name for name in READERS if name != "optional_seconds"])
@pytest.mark.parametrize("members", [{}, {"x": None}, {"x": ""}])
def test_absent_null_and_empty_are_missing(reader, members):
    """jogos:iap.1.err: one thing, whatever a portal's serialiser makes of it."""
    with pytest.raises(FieldMissing, match="x is missing"):
        READERS[reader](members, "x")


@pytest.mark.parametrize("members", [{}, {"x": None}, {"x": ""}])
def test_an_optional_time_may_be_missing(members):
    """jogos:iap.1.fields: refundTime."""
    assert fields.optional_seconds(members, "x") is None
    assert fields.optional_seconds({"x": 5}, "x") == 5


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (257, "257"),
        ("257", "257"),
        (0, "0"),
        ("0", "0"),
        (9_007_199_254_740_993, "9007199254740993"),
        ("9007199254740993", "9007199254740993"),
        (fields.INT64_MAX, str(fields.INT64_MAX)),
        (str(fields.INT64_MAX), str(fields.INT64_MAX)),
    ],
)
def test_an_id_is_decimal_text_whatever_it_was_sent_as(value, read):
    """jogos:user.4, jogos:iap.1.fields: string in the token, number in the callback, one player."""
    assert fields.decimal_id({"x": value}, "x") == read


@pytest.mark.parametrize(
    "value",
    [
        True,
        -1,
        257.0,
        "257.0",
        "0257",
        "00",
        " 257",
        "257\n",
        "+257",
        "-1",
        "2_5",
        "٢٥٧",
        "²",
        "undefined",
        "257e0",
        fields.INT64_MAX + 1,
        str(fields.INT64_MAX + 1),
        "1" * 20,
        [257],
        {"a": 1},
    ],
)
def test_anything_else_is_no_id(value):
    """ "0257" is not player 257 and must not become it."""
    with pytest.raises(FieldInvalid):
        fields.decimal_id({"x": value}, "x")


@pytest.mark.parametrize("value", ["a", "Zoë 中😀", "x" * 1024, " ", "\x7f"])
def test_a_text_is_taken_as_it_is(value):
    """jogos:iap.1.fields: order ids are opaque and case-sensitive."""
    assert fields.text({"x": value}, "x") == value


@pytest.mark.parametrize("value", [5, True, ["a"], "x" * 1025, "a\x00", "a\nb", chr(0xD800), chr(0xDFFF)])
def test_anything_else_is_no_text(value):
    """Control characters and half pairs end in databases and logs."""
    with pytest.raises(FieldInvalid):
        fields.text({"x": value}, "x")


@pytest.mark.parametrize("value", [0, 1_755_657_098, fields.INT64_MAX])
def test_a_time_is_whole_seconds(value):
    """jogos:iap.1.fields"""
    assert fields.seconds({"x": value}, "x") == value


@pytest.mark.parametrize("value", [True, -1, 1.5, "5", fields.INT64_MAX + 1, []])
def test_anything_else_is_no_time(value):
    """No grant depends on a time, so nothing is guessed."""
    with pytest.raises(FieldInvalid):
        fields.seconds({"x": value}, "x")


@pytest.mark.parametrize("value", [0, -1, True, "1", 1.0, 2**31])
def test_a_page_number_counts_from_1(value):
    """jogos:iap.3"""
    with pytest.raises(FieldInvalid):
        fields.positive_int({"x": value}, "x")
    assert fields.positive_int({"x": 2**31 - 1}, "x") == 2**31 - 1


@pytest.mark.parametrize("value", [True, False, 0.0, 1.0, "0", "PAY", 2])
def test_a_choice_is_of_the_same_type(value):
    """1 is not True and not "1"."""
    with pytest.raises(FieldInvalid, match="x must be one of 0, 1, pay"):
        READERS["choice"]({"x": value}, "x")
    assert [READERS["choice"]({"x": good}, "x") for good in (0, 1, "pay")] == [0, 1, "pay"]


@given(st.sampled_from(sorted(READERS)), JSON_VALUES)
def test_any_value_is_read_or_refused(reader, value):
    """Whatever JSON holds there."""
    assert code_of(READERS[reader], {"x": value}, "x") in {None, "field-missing", "field-invalid"}
