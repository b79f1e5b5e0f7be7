"""JSON as bytes: every spelling reads back; what two parsers could read differently is not read."""

import gzip
import json

import pytest
from coinslot_contracts.json_bytes import (
    BODY_BYTES_MAX,
    DEPTH_MAX,
    ODD_SPELLINGS,
    SPELLINGS,
    JsonInvalid,
    dump_json,
    parse_json,
    parse_json_object,
    spelling_headers,
)
from coinslot_contracts.vocabulary import ENCODINGS
from coinslot_testkit.strategies import JSON_VALUES
from hypothesis import given
from hypothesis import strategies as st

VALUE = {"b": "é/中😀", "a": [1, None, True, {"x": "plain", "y": ""}], "n": 9_007_199_254_740_993}


@pytest.mark.parametrize(
    ("encode", "spelt"),
    [
        ("compact", '{"b":"é/","a":[1]}'),
        ("spaced", '{"b": "é/", "a": [1]}'),
        ("indented", '{\n  "b": "é/",\n  "a": [\n    1\n  ]\n}'),
        ("sorted", '{"a":[1],"b":"é/"}'),
        ("reversed", '{"a":[1],"b":"é/"}'),
        ("escaped", '{"b":"\\u00e9/","a":[1]}'),
        ("slash_escaped", '{"b":"é\\/","a":[1]}'),
        ("trailing_newline", '{"b":"é/","a":[1]}\n'),
    ],
)
def test_a_spelling_is_these_bytes(encode, spelt):
    """jogos:iap.1.auth: a signature covers bytes, so a spelling is exact."""
    assert dump_json({"b": "é/", "a": [1]}, encode) == spelt.encode()


def test_the_escaped_spelling_differs_even_for_plain_ascii():
    """Otherwise a check that sends it would send the compact one."""
    assert dump_json({"a": "x", "b": ["y"]}, "escaped") == b'{"a":"\\u0078","b":["\\u0079"]}'


def test_gzip_is_the_compact_spelling_compressed():
    """The only one that needs a header beside its Content-Type."""
    assert gzip.decompress(dump_json(VALUE, "gzip")) == dump_json(VALUE)
    assert spelling_headers("gzip") == (("Content-Encoding", "gzip"),)
    assert spelling_headers("compact") == ()


def test_the_spellings_are_the_vocabularys():
    """One vocabulary for API, command and YAML."""
    assert [*SPELLINGS, *ODD_SPELLINGS] == list(ENCODINGS)


def test_an_unknown_spelling_is_an_error():
    """A misspelt name must not be the default."""
    with pytest.raises(KeyError):
        dump_json(VALUE, "spacy")


@pytest.mark.parametrize("encode", [name for name in SPELLINGS if name != "gzip"])
@given(value=JSON_VALUES)
def test_every_spelling_reads_back(encode, value):
    """Only the bytes differ."""
    assert parse_json(dump_json(value, encode)) == value


@pytest.mark.parametrize(
    ("encode", "spelt"),
    [
        ("float_integers", '{"a":1.0,"b":[9007199254740993.0,null,true,1.5,"é1"],"c":{}}'),
        ("nulls_dropped", '{"a":1,"b":[9007199254740993,null,true,1.5,"é1"],"c":{}}'),
        ("bom", '\ufeff{"a":1,"b":[9007199254740993,null,true,1.5,"é1"],"c":{"d":null}}'),
        (
            "duplicate_keys",
            '{"a":1,"b":[9007199254740993,null,true,1.5,"é1"],"c":{"d":null},'
            '"a":1,"b":[9007199254740993,null,true,1.5,"é1"],"c":{"d":null}}',
        ),
    ],
)
def test_an_odd_spelling_is_what_its_name_says(encode, spelt):
    """vocabulary.ENCODINGS; each is JSON to one reader and something else, or nothing, to another."""
    value = {"a": 1, "b": [2**53 + 1, None, True, 1.5, "é1"], "c": {"d": None}}
    given = {**value, "c": {}} if encode == "float_integers" else value

    assert dump_json(given, encode).decode() == spelt
    assert list(ODD_SPELLINGS) == ["float_integers", "nulls_dropped", "bom", "duplicate_keys"]


@pytest.mark.parametrize("value", [[1], {}, "x", None])
def test_a_key_can_be_twice_only_where_there_is_one(value):
    """The twin of the spelling with duplicate keys."""
    assert dump_json(value, "duplicate_keys") == dump_json(value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{} x", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        ('"\ud800"', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a":1,"a":2}', "twice"),
        (b'{"a":{"b":1,"b":1}}', "twice"),
        (b"NaN", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"1e400", "too large"),
        (b"-1e999", "too large"),
        (b"9" * 4301, "too many digits"),
        (b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1), "deeper"),
        (b'{"a":' * 100_000, "deeper"),
        (b'["' + b"[" * 70 + b'",' + b"[" * 65, "deeper"),
        (b'"' + b"x" * BODY_BYTES_MAX + b'"', "longer"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isprintable() else "",
)
def test_what_parsers_read_differently_is_not_read(text, says):
    """rfc8259:4, rfc8725:2.1; the text of the error says why and holds nothing of the input."""
    with pytest.raises(JsonInvalid, match=says):
        parse_json(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b" {} ", {}),
        (b"[" * DEPTH_MAX + b"]" * DEPTH_MAX, None),
        (b'["' + b"[{" * 100 + b'"]', ["[{" * 100]),
        (b'["\\"' + b"[" * 100 + b'"]', ['"' + "[" * 100]),
        (b"[" + b",".join([b"[]"] * 100) + b"]", [[]] * 100),
        (b'"' + b"x" * (BODY_BYTES_MAX - 2) + b'"', "x" * (BODY_BYTES_MAX - 2)),
        (b"9007199254740993", 9_007_199_254_740_993),
        (b"9" * 4300, int("9" * 4300)),
        ('"é"', "é"),
        (b"1.5e3", 1500.0),
    ],
    ids=range(10),
)
def test_what_stays_within_the_limits_is_read(text, value):
    """The positive twin: brackets in strings count for nothing, numbers stay exact."""
    read = parse_json(text)

    assert value is None or read == value


@pytest.mark.parametrize("text", [b"[]", b"null", b"1", b'"x"'])
def test_an_object_is_an_object(text):
    """No portal sends anything else."""
    with pytest.raises(JsonInvalid, match="not a JSON object"):
        parse_json_object(text)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_text_is_a_value_or_invalid(text):
    """And what is read, the standard library reads alike."""
    try:
        value = parse_json(text)
    except JsonInvalid:
        return
    assert json.loads(text) == value
