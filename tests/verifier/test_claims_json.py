"""The fast readers give the verdicts and the values of the strict ones, and neither takes what is in
doubt."""

import base64
import json
import re
import sys

import pytest
from coinslot_contracts.json_bytes import (
    DEPTH_MAX,
    ODD_SPELLINGS,
    SPELLINGS,
    JsonInvalid,
    dump_json,
    parse_json_object,
)
from coinslot_testkit.strategies import JSON_VALUES
from coinslot_verifier import claims_json
from coinslot_verifier.claims_json import fast_readers, read_base64_strictly
from hypothesis import example, given
from hypothesis import strategies as st

FAST = fast_readers()
assert FAST is not None, "msgspec is missing: it belongs to the tools of development"
read_base64, read_object = FAST
OBJECTS = st.dictionaries(st.text(max_size=10), JSON_VALUES, max_size=6)


def outcome(read, text):
    """What a reader makes of a text: the value with every type in it, or its refusal."""
    try:
        return repr(read(text))
    except ValueError as error:
        return type(error).__name__, str(error) if isinstance(error, JsonInvalid) else ""


DOUBTFUL = {
    "a key twice": b'{"a":1,"a":1}',
    "a key twice, once escaped": b'{"a":1,"\\u0061":1}',
    "a key twice, inside": b'{"a":{"b":1,"b":2}}',
    "NaN": b'{"a":NaN}',
    "infinite": b'{"a":1e400}',
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "bad UTF-8": b'{"a":"\xff"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "trailing comma": b'{"a":1,}',
    "more behind": b'{"a":1}{}',
    "a list": b"[1]",
    "null": b"null",
    "empty": b"",
    "too deep": b'{"a":' * (DEPTH_MAX + 1) + b"1" + b"}" * (DEPTH_MAX + 1),
    "far too deep": b'{"a":' + b"[" * 100_000,
    "a control character": b'{"a":"\n"}',
    "too many digits": b'{"a":' + b"1" * 5_000 + b"}",
    "longer than a body": b'{"a":"' + b"x" * 1_048_576 + b'"}',
}
FINE = {
    "empty object": b"{}",
    "large number": b'{"a":123456789012345678901234567890}',
    "2^64": b'{"a":18446744073709551616}',
    "negative zero": b'{"a":-0,"b":-0.0}',
    "exponent": b'{"a":1E2,"b":1e-7,"c":1.10}',
    "escapes": b'{"a":"\\u00e9\\/\\u001f"}',
    "half a surrogate pair": b'{"a":"\\ud800"}',
    "spaces": b' { "a" : [ 1 , 2 ] } \n',
    "as deep as allowed": b'{"a":' * DEPTH_MAX + b"1" + b"}" * DEPTH_MAX,
    "brackets in text": b'{"a":"' + b"[" * 200 + b'"}',
}


@pytest.mark.parametrize("text", DOUBTFUL.values(), ids=DOUBTFUL)
def test_what_parsers_read_differently_is_refused_by_both(text):
    """rfc8259:4: by the same word."""
    assert outcome(read_object, text) == outcome(parse_json_object, text)
    with pytest.raises(JsonInvalid):
        read_object(text)


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
def test_whatever_else_is_json_is_read_alike(text):
    """rfc8259:6: value and type, however it is spelt."""
    assert outcome(read_object, text) == outcome(parse_json_object, text)
    assert isinstance(read_object(text), dict)


@given(OBJECTS, st.sampled_from(sorted({*SPELLINGS, *ODD_SPELLINGS})))
def test_every_spelling_is_read_alike(value, spelling):
    """The fast way is taken for the compact one alone."""
    text = dump_json(value, spelling)

    assert outcome(read_object, text) == outcome(parse_json_object, text)


@given(st.binary(max_size=60) | st.text(max_size=60) | OBJECTS.map(json.dumps))
@example("\ud800")
@example('{"a":"\ud800"}')
def test_any_bytes_or_text_are_read_alike(text):
    """jogos:user.4: `sub` is text, the claims are bytes."""
    assert outcome(read_object, text) == outcome(parse_json_object, text)


@given(st.binary(max_size=80))
def test_base64url_of_any_bytes_is_read_back(raw):
    """rfc7515:2"""
    part = base64.urlsafe_b64encode(raw).rstrip(b"=")

    assert read_base64(part) == read_base64_strictly(part) == raw


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 6, 7, 8])
def test_every_byte_at_every_place_is_judged_alike_and_one_text_means_one_thing(length):
    """rfc7515:2: no padding, no white space, one alphabet, no spare bits."""
    for place in range(length):
        for byte in range(256):
            part = b"A" * place + bytes([byte]) + b"A" * (length - place - 1)
            found = outcome(read_base64, part)
            assert (found if isinstance(found, str) else None) == _canonical(part)
            assert isinstance(outcome(read_base64_strictly, part), str) == isinstance(found, str)


def _canonical(part: bytes) -> str | None:
    """By definition: the decoded bytes whose encoding is the part, None where there are none."""
    if len(part) % 4 == 1 or not re.fullmatch(rb"[A-Za-z0-9_-]+", part):
        return None
    raw = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    return repr(raw) if base64.urlsafe_b64encode(raw).rstrip(b"=") == part else None


@given(st.binary(max_size=40) | st.text('AQgwEIZ-_+/= \n\\"', max_size=12).map(str.encode))
def test_any_bytes_are_canonical_base64url_for_both_readers_or_for_none(part):
    """rfc7515:2"""
    fast, strict = outcome(read_base64, part), outcome(read_base64_strictly, part)

    assert (fast if isinstance(fast, str) else None) == (strict if isinstance(strict, str) else None)


def test_without_msgspec_there_is_no_fast_reader(monkeypatch):
    """It is an optional extra; what is used then is the strict reader itself."""
    monkeypatch.setitem(sys.modules, "msgspec", None)

    assert fast_readers() is None
    assert claims_json.readers() == (read_base64_strictly, parse_json_object)
