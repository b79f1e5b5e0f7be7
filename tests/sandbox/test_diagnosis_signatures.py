"""The diagnosis names seeded mistakes in signatures; made by hand, with hashlib, json, openssl or Node.

Nothing of the diagnosis is used to make them. The rule is jogos:iap.sha1; topics cite jogos:iap.1.auth too.
"""

import base64
import gzip
import hashlib
import hmac
import json
import time

import pytest
from coinslot_contracts.clauses import clauses
from coinslot_contracts.portal import discover
from coinslot_sandbox.diagnosis.bodies import byte_mistakes
from coinslot_sandbox.diagnosis.signature import SignatureCase, diagnose_signature
from coinslot_sandbox.diagnosis.signature_causes import SIGNATURE_CAUSES
from coinslot_testkit import tools
from hypothesis import given, settings
from hypothesis import strategies as st

NOTICES = discover()["jogos"].notices
KEY = b"q7Hn2vXw9LkT4bRz8sYd1mPf6cJg3aEu"
OTHER_KEY = b"another-game-s-key-0123456789ab"
FORMER_KEY = b"the-key-before-0123456789abcdef"
VALUE = {
    "paytype": "pay",
    "gameId": 9968,
    "orderId": "Ab3/x9",
    "productId": "gem<1>",
    "playerName": "Zoë",
    "refundStatus": None,
    "amount": 1.5,
}
BODY = json.dumps(VALUE, ensure_ascii=False, separators=(",", ":")).encode()


def sha1(*parts):
    return hashlib.sha1(b"".join(parts)).hexdigest()


def json_of(value=VALUE, **how):
    return json.dumps(value, **{"ensure_ascii": False, **how}).encode()


def diagnose(signature, body=BODY, **more):
    case = SignatureCase(
        **{
            "body": body,
            "signature": signature,
            "key": KEY,
            "game_id": "9968",
            "former": [FORMER_KEY],
            "others": [("game 9943", OTHER_KEY)],
            **more,
        }
    )
    return diagnose_signature(NOTICES, case)


COMPACT = (",", ":")
RAW = hashlib.sha1(BODY + KEY).digest()
SEEDED = {
    "key-first": sha1(KEY, BODY),
    "hmac-sha1": hmac.new(KEY, BODY, "sha1").hexdigest(),
    "hmac-sha256": hmac.new(KEY, BODY, "sha256").hexdigest(),
    "digest-sha256": hashlib.sha256(BODY + KEY).hexdigest(),
    "digest-md5": hashlib.md5(BODY + KEY).hexdigest(),
    "digest-sha512": hashlib.sha512(BODY + KEY).hexdigest(),
    "key-left-out": sha1(BODY),
    "key-on-both-sides": sha1(KEY, BODY, KEY),
    "separator": sha1(BODY, b"|", KEY),
    "hashed-twice": sha1(sha1(BODY, KEY).encode()),
    "hmac-swapped": hmac.new(BODY, KEY, "sha1").hexdigest(),
    "reserialised-spaced": sha1(json_of(separators=(", ", ": ")), KEY),
    "reserialised-indented": sha1(json_of(indent=4), KEY),
    "reserialised-sorted": sha1(json_of(separators=COMPACT, sort_keys=True), KEY),
    "reserialised-ascii-escaped": sha1(json_of(separators=COMPACT, ensure_ascii=True), KEY),
    "reserialised-html-escaped": sha1(BODY.replace(b"<", b"\\u003c").replace(b">", b"\\u003e"), KEY),
    "reserialised-slash-escaped": sha1(BODY.replace(b"/", b"\\/"), KEY),
    "reserialised-nulls-dropped": sha1(BODY.replace(b'"refundStatus":null,', b""), KEY),
    "reserialised-numbers": sha1(BODY.replace(b"9968", b"9968.0"), KEY),
    "reserialised-as-string": sha1(json.dumps(BODY.decode(), ensure_ascii=False).encode(), KEY),
    "body-newline-added": sha1(BODY, b"\n", KEY),
    "body-bom-added": sha1(b"\xef\xbb\xbf", BODY, KEY),
    "body-empty": sha1(b"", KEY),
    "body-is-object": sha1(b"[object Object]", KEY),
    "body-bytes-repr": sha1(f"{BODY}".encode(), KEY),
    "body-dict-repr": sha1(str(VALUE).encode(), KEY),
    "body-latin-1": sha1(BODY.decode().encode("latin-1"), KEY),
    "body-ascii": sha1(BODY.decode().encode("ascii", "replace"), KEY),
    "body-utf-16": sha1((BODY + KEY).decode().encode("utf-16-le")),
    "body-mojibake": sha1(BODY.decode("latin-1").encode(), KEY),
    "body-base64": sha1(base64.b64encode(BODY), KEY),
    "body-as-form": sha1(
        b"&".join(f"{name}={VALUE[name]}".encode() for name in sorted(VALUE) if VALUE[name] is not None), KEY
    ),
    "body-values-joined": sha1("pay9968Ab3/x9gem<1>Zoë1.5".encode(), KEY),
    "body-compressed": sha1(gzip.compress(BODY, mtime=0), KEY),
    "key-trailing-newline": sha1(BODY, KEY, b"\n"),
    "key-trailing-space": sha1(BODY, KEY, b" "),
    "key-bom": sha1(BODY, b"\xef\xbb\xbf", KEY),
    "key-quoted": sha1(BODY, b'"', KEY, b'"'),
    "key-undefined": sha1(BODY, b"undefined"),
    "key-case": sha1(BODY, KEY.lower()),
    "key-base64-decoded": sha1(BODY, base64.b64decode(KEY)),
    "key-hashed": sha1(BODY, hashlib.md5(KEY).hexdigest().encode()),
    "key-utf-16": sha1(BODY, KEY.decode().encode("utf-16-le")),
    "key-is-game-id": sha1(BODY, b"9968"),
    "key-previous": sha1(BODY, FORMER_KEY),
    "key-of-another-game": sha1(BODY, OTHER_KEY),
    "signature-missing": None,
    "upper-case": sha1(BODY, KEY).upper(),
    "base64": base64.b64encode(RAW).decode(),
    "base64-of-hex": base64.b64encode(RAW.hex().encode()).decode(),
    "hex-separated": "-".join(f"{byte:02X}" for byte in RAW),
    "scheme-word": f"Signature {sha1(BODY, KEY)}",
    "quoted": f'"{sha1(BODY, KEY)}"',
    "surrounding-spaces": f" {sha1(BODY, KEY)}\n",
    "header-repeated": f"{sha1(BODY, KEY)}, {sha1(BODY, KEY)}",
    "truncated": sha1(BODY, KEY)[:32],
    "digits-changed": f"\xe9{sha1(BODY, KEY)[1:]}",
}


def test_a_right_signature_is_right():
    """The twin of everything below."""
    found = diagnose(sha1(BODY, KEY))

    assert (found.ok, found.cause, found.also) == (True, None, ())


@pytest.mark.parametrize("cause", SEEDED)
def test_a_seeded_mistake_is_named(cause):
    """jogos:iap.sha1: one mistake, its own name, a sentence, a remedy and a clause that exists."""
    found = diagnose(SEEDED[cause])

    assert (found.ok, found.cause, found.also) == (False, cause, ())
    assert found.says
    assert found.remedy
    assert found.clause in clauses()


def test_at_least_twenty_mistakes_are_seeded():
    """And every one is a name that the product knows."""
    assert len(SEEDED) >= 20
    assert set(SEEDED) <= set(SIGNATURE_CAUSES)


CRLF = b'{\r\n"a": 1,\r\n"b": "x"}\r\n'
BY_BODY = {
    "reserialised-compact": (json_of(), json_of(separators=COMPACT)),
    "reserialised-unescaped": (json_of(separators=COMPACT, ensure_ascii=True), BODY),
    "body-newline-removed": (BODY + b"\n", BODY),
    "body-trimmed": (b"  " + BODY + b" ", BODY),
    "body-crlf": (CRLF.replace(b"\r\n", b"\n"), CRLF),
    "body-lf": (CRLF, CRLF.replace(b"\r\n", b"\n")),
    "body-lines-joined": (CRLF, b"".join(CRLF.split(b"\r\n"))),
    "body-bom-removed": (b"\xef\xbb\xbf" + BODY, BODY),
    "body-decompressed": (gzip.compress(BODY), BODY),
    "body-mojibake": ('{"n":"Āž"}'.encode(), '{"n":"Āž"}'.encode().decode("latin-1").encode()),
    "reserialised-numbers": (b'{"a":12345678901234567890}', b'{"a":12345678901234567000}'),
}


@pytest.mark.parametrize("cause", BY_BODY)
def test_a_mistake_that_needs_a_body_of_its_own_is_named(cause):
    """jogos:iap.1.auth: the body is the one that was sent: its bytes."""
    sent, hashed = BY_BODY[cause]
    if b"12345678901234567890" in sent:  # what JSON.parse and JSON.stringify make of it
        hashed = json_of({"a": int(float(12345678901234567890))}, separators=COMPACT)
    found = diagnose(sha1(hashed, KEY), sent)

    assert found.cause == cause
    assert diagnose(sha1(sent, KEY), sent).ok


PAIRS = {
    ("reserialised-spaced", "upper-case"): sha1(json_of(), KEY).upper(),
    ("key-trailing-newline", "base64"): base64.b64encode(hashlib.sha1(BODY + KEY + b"\n").digest()).decode(),
    ("key-first", "digest-sha256"): hashlib.sha256(KEY + BODY).hexdigest(),
    ("key-left-out", "digest-sha256"): hashlib.sha256(BODY).hexdigest(),
    ("reserialised-sorted", "hmac-sha256"): hmac.new(
        KEY, json_of(separators=COMPACT, sort_keys=True), "sha256"
    ).hexdigest(),
    ("body-newline-added", "key-trailing-newline"): sha1(BODY, b"\n", KEY, b"\n"),
    ("hmac-sha1", "key-trailing-newline"): hmac.new(KEY + b"\n", BODY, "sha1").hexdigest(),
    ("reserialised-ascii-escaped", "reserialised-slash-escaped"): sha1(
        json_of(separators=COMPACT, ensure_ascii=True).replace(b"/", b"\\/"), KEY
    ),
    ("reserialised-spaced", "reserialised-ascii-escaped", "reserialised-sorted"): sha1(
        json.dumps(VALUE, sort_keys=True).encode(), KEY
    ),
    ("scheme-word", "upper-case"): f"sha1={sha1(BODY, KEY).upper()}",
    ("key-previous", "upper-case"): sha1(BODY, FORMER_KEY).upper(),
}


@pytest.mark.parametrize("causes", PAIRS)
def test_two_mistakes_at_once_are_both_named(causes):
    """The main one is the cause, the other one comes along."""
    found = diagnose(PAIRS[causes])

    assert (found.cause, *found.also) == causes


@pytest.mark.parametrize(
    "digits",
    [
        lambda raw: raw.hex().lstrip("0"),
        lambda raw: "".join(f"{byte:x}" for byte in raw),
    ],
)
def test_hex_digits_without_their_zeros_are_recognised(digits):
    """What BigInteger.toString(16) and Integer.toHexString make."""
    number = next(n for n in range(10_000) if hashlib.sha1(f"{n}".encode() + KEY).digest()[0] == 0)
    body = f"{number}".encode()
    found = diagnose(digits(hashlib.sha1(body + KEY).digest()), body)

    assert found.cause == "hex-zeros-dropped"


def test_the_signature_of_another_message_is_recognised():
    """Reflection is valid where the bytes are the same, and named where they are not."""
    other = b'{"orderId":"another"}'
    found = diagnose(sha1(other, KEY), messages=[("the callback of order another", other)])

    assert found.cause == "other-message"
    assert "the callback of order another" in found.says


def test_a_game_without_a_key_is_named():
    """jogos:iap.key."""
    assert diagnose(sha1(BODY), key=None).cause == "key-not-set"


def test_a_signature_of_nobody_we_know_has_no_cause():
    """And says so, with what to do next."""
    found = diagnose(sha1(BODY, b"a key that nobody here has ever seen"))

    assert (found.ok, found.cause) == (False, None)
    assert found.tried > 1000
    assert str(found.tried) in found.says


@pytest.mark.parametrize("signature", [*SEEDED.values(), *PAIRS.values(), "0" * 40])
def test_no_key_is_ever_told(signature):
    """Of another game the id is told, never the key."""
    told = json.dumps(diagnose(signature).as_json())

    for key in (KEY, OTHER_KEY, FORMER_KEY):
        assert key.decode() not in told


@pytest.mark.tool("openssl")
@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (["-sha1", "-hmac", KEY.decode()], "hmac-sha1"),
        (["-sha256", "-hmac", KEY.decode()], "hmac-sha256"),
    ],
)
def test_openssl_makes_the_same_mistake(options, cause):
    """A maker that is not Python."""
    printed = tools.run(["openssl", "dgst", *options, "-r"], stdin=BODY)

    assert diagnose(printed.split()[0]).cause == cause


@pytest.mark.tool("node")
def test_node_writing_json_anew_is_recognised():
    """The most common mistake, made by the program that makes it most often."""
    script = (
        "const c=require('crypto');const b=require('fs').readFileSync(0,'utf8');"
        f"process.stdout.write(c.createHash('sha1').update(JSON.stringify(JSON.parse(b))+'{KEY.decode()}')"
        ".digest('hex'))"
    )
    body = json.dumps({**VALUE, "amount": 2.0}).encode()
    found = diagnose(tools.run(["node", "-e", script], stdin=body), body)

    assert found.cause == "reserialised-compact"
    assert set(found.also) == {"reserialised-unescaped", "reserialised-numbers"}


LARGE = {
    "json": json.dumps([{"n": n, "name": "Zoë"} for n in range(30_000)]).encode(),
    "nested": b"[" * 500_000 + b"]" * 500_000,
    "no json": b"\x00\xff\n" * 340_000,
    "one number": b"9" * 1_000_000,
    "zip bomb": gzip.compress(b"0" * 200_000_000, 1),
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_large_body_takes_bounded_time(kind):
    """Bounded by what is computed, not by the clock; ten seconds leave room for a loaded machine."""
    began_s = time.perf_counter()
    found = diagnose("0" * 40, LARGE[kind])

    assert found.cause is None
    assert time.perf_counter() - began_s < 10


def test_little_effort_tries_little():
    """What a refused call may cost is a number of bytes, at least one KiB for each attempt."""
    case = SignatureCase(body=BODY, signature="0" * 40, key=KEY)

    assert diagnose_signature(NOTICES, case, effort_bytes=16 * 1024).tried == 16
    assert diagnose_signature(NOTICES, case).tried > 1000


def test_a_small_body_never_inflates_to_more_than_a_mebibyte():
    """A compressed body is looked into, and no further than any body may be long."""
    sizes = [len(made) for names, made in byte_mistakes(LARGE["zip bomb"]) if names == ("body-decompressed",)]

    assert sizes == [1_048_576]


def test_a_mistake_over_a_large_body_is_named():
    """The twin: bounded does not mean that nothing is tried."""
    body = LARGE["json"]
    rewritten = json.dumps(json.loads(body), separators=COMPACT).encode()

    assert diagnose(sha1(rewritten, KEY), body).cause == "reserialised-compact"
    assert diagnose(hmac.new(KEY, body, "sha256").hexdigest(), body).cause == "hmac-sha256"


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=60), signature=st.text(max_size=60), key=st.binary(min_size=1, max_size=20))
def test_no_bytes_ever_raise(body, signature, key):
    """Whatever comes is answered."""
    found = diagnose(signature, body, key=key)

    assert found.as_json()["tried"] >= 0


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=80), key=st.binary(min_size=1, max_size=20))
def test_whatever_is_signed_right_is_right(body, key):
    """No mistake is ever seen where there is none."""
    assert diagnose(hashlib.sha1(body + key).hexdigest(), body, key=key).ok
