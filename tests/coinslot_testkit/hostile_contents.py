"""Hostile headers and payloads, each under a signature that is as genuine as can be: nothing else helps."""

import json
import random
from collections.abc import Iterator
from typing import Any, Final

from coinslot_testkit.token_workshop import NOW_S, Profile, dump
from coinslot_testkit.tokens import encode, good_claims

Tricks = Iterator[tuple[str, str]]

_ODD_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 1.5, "", " ", "x", "é", "\x00", "\ud800", [], {}, ["x"], {"a": 1}, [[]],
    10**30, 1e300, "A" * 1000,
)  # fmt: skip
_ALGS: Final[tuple[Any, ...]] = (
    "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RS384", "RS512", "PS256", "ES384",
    "ES512",
    "ES256K", "EdDSA", "Ed25519", "rs256", "es256", "Rs256", "RS256 ", " RS256", "RS256\x00", "RS-256",
    "RSA256",
    "RSASSA", "RSA-OAEP", "dir", "RS256,none", "ＲＳ256", "RS２５６", "RS256\n", "ES256\t", "SHA256withRSA",
    "none ",
    None, 0, 256, True, [], ["RS256"], {"RS256": 1},
)  # fmt: skip
_TIMES: Final[tuple[Any, ...]] = (
    *(NOW_S + away for away in (-3600, -61, -60, -31, -30, -29, -1, 0, 1, 29, 30, 31, 60, 61, 3600)),
    *(NOW_S + away for away in (-30.5, -29.5, -0.5, 0.5, 29.5, 30.5)),
    NOW_S * 1000, NOW_S * 10**6, 0, 1, -1, -0.0, 0.5, -10**10, 2**31, 2**53, 2**53 + 1, 2**63, 2**64,
    10**18, 1e18,
    1e308, -1e308, 10**308, 10**400, -(10**400), 5e-324, None, True, False, "", " ", "0", "x", "null",
    "NaN", "1e20",
    str(NOW_S + 3600), str(NOW_S - 3600), f" {NOW_S + 3600}", f"{NOW_S + 3600}.5", f"+{NOW_S + 3600}",
    "1_757_999_999",
    "１７５７９９９９９９", "٣٤٥٦٧٨٩٠١٢",
    "2030-01-01T00:00:00Z", [], {}, [NOW_S + 3600], {"$numberLong": "1"}, [[1]],
)  # fmt: skip
_SPELT_NUMBERS: Final = (
    "1e400", "-1e400", "1e309", "NaN", "Infinity", "-Infinity", "9" * 400, "9" * 4_400, "9" * 20_000,
    "0x7fffffff",
    "01757909999", "+1757909999", "1757909999.", ".5e10", "1757909999e0", "1.757909999e9",
    "1757909999e-0", "1e9999999",
    "1757909999 1", "1757909999,", "17579_09999", "-", "1e", "tru", "nul", "undefined", "'1757909999'", "[",
)  # fmt: skip


def header_tricks(profile: Profile, chance: random.Random) -> Tricks:
    """What a header can say beside the algorithm, and how it can be said."""
    good = profile.algorithm
    for alg in _ALGS:
        yield "header/alg-other", profile.token(header={"alg": alg})
    yield "header/alg-absent", profile.join(b"{}", dump(dict(profile.claims)))
    for name in ("typ", "cty", "kid", "x5t", "x5t#S256", "unknown", "iss", "nonce", "enc", "p2c", "url"):
        for value in _ODD_VALUES:
            yield f"header/{name}:{_form(value)}", profile.token(header={name: value})
    for name in ("typ", "cty"):
        for value in ("JWT", "jwt", "at+jwt", "JOSE", "JWE", "application/jwt", "none"):
            yield f"header/{name}:word", profile.token(header={name: value})
    for name in ("jwk", "jku", "x5u", "x5c", "zip", "b64", "crit"):
        for value in _KEY_VALUES.get(name, ()) + _ODD_VALUES:
            yield f"header/{name}", profile.token(header={name: value})
    for value in (["exp"], ["b64"], ["alg"], ["unknown"]):
        yield "header/crit", profile.token(header={"crit": value, "b64": False, "unknown": 1})
    for text in _header_texts(good, chance):
        yield text[0], profile.join(text[1], dump(dict(profile.claims)))


_KEY_VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "jwk": ({"kty": "oct", "k": "AAAA"}, {"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
    "jku": ("https://attacker.example/keys", "file:///dev/zero", "http://127.0.0.1:1/"),
    "x5u": ("https://attacker.example/chain.pem",),
    "x5c": (["MIIB"], ["AAAA", "BBBB"]),
    "zip": ("DEF", "GZIP"),
    "b64": (),
    "crit": (["exp"], ["b64"]),
}


def _header_texts(good: str, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Spellings of the good header that readers take differently."""
    right = f'"alg":"{good}"'
    for first, last in (("none", good), (good, "none"), (good, good), ("HS256", good)):
        yield "header/duplicate-alg", f'{{"alg":"{first}","alg":"{last}"}}'.encode()
    for other in ('"kid":"a","kid":"b"', '"x":1,"x":1', '"typ":"JWT","typ":"JWT"'):
        yield "header/duplicate-member", f"{{{right},{other}}}".encode()
    yield "header/nested-duplicate", f'{{{right},"x":{{"a":1,"a":2}}}}'.encode()
    for spelt in (
        f'{{"\\u0061lg":"{good}"}}',
        f" {{ {right} }} ",
        f"\n\t{{{right}}}\r\n",
        f'{{"alg":"\\u0052{good[1:]}"}}',
    ):
        if json.loads(spelt).get("alg") == good:
            yield "header/respelt", spelt.encode()
    for broken in (
        "", "null", "[]", "1", '"x"', f"[{right}]", "{", f"{{{right}", f"{{{right},}}", f"{{{right}}}x",
        f"{{{right}}}{{}}",
        f"{{{right}}}\x00", f"{{'alg':'{good}'}}", f"{{alg:\"{good}\"}}", f"{{/**/{right}}}",
        f'{{"Alg":"{good}"}}',
    ):  # fmt: skip
        yield "header/no-json", broken.encode()
    for spelt in _SPELT_NUMBERS:
        yield f"header/number:{spelt[:12]}", f'{{{right},"x":{spelt}}}'.encode()
    whole = f"{{{right}}}"
    for trick, raw in _encodings(whole):
        yield f"header/{trick}", raw
    for depth in (10, 63, 64, 65, 500, 5_000, 10_000):
        size = "deep" if depth > 63 else "shallow"
        yield f"header/nested-{size}", f'{{{right},"x":{"[" * depth}{"]" * depth}}}'.encode()
        yield f"header/unclosed-{size}", f'{{{right},"x":{"[" * depth}}}'.encode()
    for length in (300, 600, 2_000, 20_000, 45_000):
        yield "header/long", f'{{{right},"x":"{"y" * length}"}}'.encode()
    for _ in range(150):
        yield "header/random-byte", _spoilt(whole.encode(), chance)


def _encodings(whole: str) -> Iterator[tuple[str, bytes]]:
    for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-8-sig"):
        yield f"encoding:{name}", whole.encode(name)
    base = whole[:-1]
    for raw in (b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"):
        yield "encoding:not-utf-8", f'{base},"y":"'.encode() + raw + b'"}'
    for text in ("\x00", "\n", "\x1f"):
        yield "control-character", f'{base},"y":"{text}"}}'.encode()
    for text in ("\\ud800", "\\udc00\\ud800", "\\u0000"):
        yield "escaped-oddity", f'{base},"y":"{text}"}}'.encode()
    yield "bad-escape", f'{base},"y":"\\x41"}}'.encode()


def _spoilt(raw: bytes, chance: random.Random) -> bytes:
    """One byte replaced, dropped or put in."""
    at = chance.randrange(len(raw))
    piece = bytes([chance.randrange(256)])
    return raw[:at] + chance.choice((piece, b"", piece + raw[at : at + 1])) + raw[at + 1 :]


def payload_tricks(profile: Profile, chance: random.Random) -> Tricks:
    """What a payload can say, and how it can be said."""
    head = dump({"alg": profile.algorithm})
    for name in ("exp", "nbf", "iat"):
        for value in (*_TIMES, ...):
            yield f"{name}:{_moment(value)}", profile.token(**{name: value})
        for spelt in _SPELT_NUMBERS:
            text = json.dumps({key: value for key, value in profile.claims.items() if key != name})
            yield f"{name}/spelt:{spelt[:12]}", profile.join(head, f'{text[:-1]},"{name}":{spelt}}}'.encode())
    for name in ("iss", "aud", "jti", "azp", "unknown", "sub", "orderId", "externalId"):
        for value in (*_ODD_VALUES, ...):
            yield f"claim/{name}:{_form(value)}", profile.token(**{name: value})
    for value in ("com:Jogos:sdk", "com:jogos:sdk ", "com:jogos", ["com:jogos:sdk"], "com:jogos:sdk\x00"):
        yield f"claim/iss:{_form(value)}", profile.token(iss=value)
    for value in ("1220", "game", ["1220", "other"], "https://game.example"):
        yield f"claim/aud:{_form(value)}", profile.token(aud=value)
    for trick, raw in _payload_texts(profile, chance):
        yield trick, profile.join(head, raw)
    if profile.name == "user":
        for trick, sub in _subs():
            yield f"sub/{trick}", profile.token(sub=sub)


def _payload_texts(profile: Profile, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    whole = json.dumps(dict(profile.claims))
    for name, value in profile.claims.items():
        twice = f"{whole[:-1]},{json.dumps(name)}:{json.dumps(value)}}}"
        yield "payload/duplicate-claim", twice.encode()
        yield "payload/duplicate-claim", f"{{{json.dumps(name)}:{json.dumps(value)},{whole[1:]}".encode()
    yield "payload/duplicate-claim", f'{whole[:-1]},"exp":9999999999}}'.encode()
    yield "payload/duplicate-claim", f'{{"exp":1,{whole[1:]}'.encode()
    yield "payload/duplicate-claim", f'{whole[:-1]},"x":[{{"a":1,"a":2}}]}}'.encode()
    for broken in ("", "null", "[]", "1", '"x"', f"[{whole}]", whole[:-1], whole[:-1] + ",}",
    whole + "x", whole + whole,
                   whole + "\x00", whole.replace('"', "'"), "{}"):  # fmt: skip
        yield "payload/no-json", broken.encode()
    yield "payload/respelt", f"\n {whole} \n".encode()
    for trick, raw in _encodings(whole):
        yield f"payload/{trick}", raw
    for depth in (10, 63, 64, 65, 500, 5_000, 10_000):
        size = "deep" if depth > 63 else "shallow"
        for opened, closed in (("[", "]"), ('{"a":', "}")):
            inner = opened * depth + ("1" if closed == "}" else "") + closed * depth
            yield f"payload/nested-{size}", f'{whole[:-1]},"x":{inner}}}'.encode()
        yield f"payload/unclosed-{size}", f'{whole[:-1]},"x":{"[" * depth}}}'.encode()
    for _ in range(300):
        yield "payload/random-byte", _spoilt(whole.encode(), chance)


def _subs() -> Iterator[tuple[str, Any]]:
    user = json.loads(good_claims()["sub"])
    yield "respelt", json.dumps(user, indent=1)
    yield "respelt", json.dumps({**user, "more": [1]})
    yield "respelt", json.dumps({**user, "userId": 257, "gameId": 1220})
    yield "as-object", user
    yield "as-bytes", encode(json.dumps(user).encode())
    for text in (
        "",
        "257",
        "null",
        "[]",
        "{",
        "player 257",
        "{}",
        json.dumps([user]),
        json.dumps(json.dumps(user)),
    ):
        yield "no-user", text
    for name in ("userId", "gameId"):
        for value in (
            None,
            "",
            0,
            -1,
            1.0,
            "0257",
            "+257",
            "257 ",
            "２５７",
            "1e3",
            True,
            [],
            {},
            2**64,
            "9" * 30,
            "x",
        ):
            yield f"{name}-odd", json.dumps({**user, name: value})
        yield f"{name}-odd", json.dumps({key: value for key, value in user.items() if key != name})
    for name in ("username", "profilePictureUrl"):
        for value in (1, [], "\x00", "\ud800", "y" * 2_000, {"a": 1}):
            yield "decoration-odd", json.dumps({**user, name: value})
    yield "duplicate", json.dumps(user)[:-1] + ',"userId":"1"}'
    yield "deep", json.dumps(user)[:-1] + ',"x":' + "[" * 200 + "]" * 200 + "}"
    yield "not-finite", json.dumps(user)[:-1] + ',"x":NaN}'


def _form(value: Any) -> str:
    return "absent" if value is ... else type(value).__name__


def _moment(value: Any) -> str:
    """A time's form, and for numbers on which side of now and its margin it lies."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return (
            f"{_form(value)}-digits"
            if isinstance(value, str) and value.strip("+ _.").isdigit()
            else _form(value)
        )
    away = value - NOW_S if abs(value) < 10**17 else value
    side = "at" if abs(away) == 30 else "near" if abs(away) < 30 else "past" if away < 0 else "ahead"
    return f"number-{'huge-' if abs(value) > 1e15 else ''}{side}"
