"""A seeded corpus of hostile tokens: what can be wrong with form, spelling and signature, and with contents.

The same seed makes the same tokens, byte for byte.
"""

import hashlib
import hmac
import json
import random
from collections.abc import Iterator

from coinslot_testkit.hostile_contents import Tricks, header_tricks, payload_tricks
from coinslot_testkit.token_workshop import (
    P256_ORDER,
    PROFILES,
    HostileToken,
    Profile,
    dump,
    ec_key,
    public_pem,
    raw_of,
    sign_es256,
    sign_rs256,
)
from coinslot_testkit.tokens import encode, private_key
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

SEED = 20_250_915
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_FILLERS = (" ", "\n", "\r\n", "\t", "\x0b", "\x00", "\u00a0", "\u200b", "\ufeff", "=", "!", "+", "/",
"~", "%2B", "é",
            "Ａ", "\ud800", "*", ",", "%3D")  # fmt: skip


def corpus(seed: int = SEED) -> list[HostileToken]:
    """At least 5,000 tokens, those that are good or nearly so included."""
    chance = random.Random(seed)
    return [
        HostileToken(trick=trick, token=token, profile=name)
        for name, profile in PROFILES.items()
        for make in (
            good_tokens,
            structure_tricks,
            spelling_tricks,
            signature_tricks,
            tampered_tokens,
            random_tokens,
            long_tokens,
            header_tricks,
            payload_tricks,
        )
        for trick, token in make(profile, chance)
    ]


def good_tokens(profile: Profile, chance: random.Random) -> Tricks:
    """Tokens that everybody must accept: a corpus of refusals alone would prove nothing."""
    for number in range(150):
        yield "good", profile.token(jti=str(number), header={"typ": "JWT"} if chance.random() < 0.5 else {})


def structure_tricks(profile: Profile, chance: random.Random) -> Tricks:
    """Parts that are too many, too few, empty, exchanged, or wrapped in something."""
    for _ in range(12):
        token = profile.token(jti=str(chance.random()))
        head, payload, signature = token.split(".")
        for shape in (
            "", ".", "..", "...", head, f"{head}.{payload}", f"{head}.{payload}.{signature}.", f".{token}",
            f"{token}.{signature}", f"{head}..{payload}.{signature}", f"{head}.{signature}",
            f"{payload}.{head}.{signature}",
            f".{payload}.{signature}", f"{head}..{signature}", f"{head}.{payload}.",
            f"{head}.{signature}.{payload}",
            f"{head}.{payload}.{signature}.{head}.{payload}", f"Bearer {token}", f'"{token}"',
            f"{token},{token}",
            f"{head}:{payload}:{signature}", f"{head}。{payload}。{signature}", f"{token};",
            f"{head}%2E{payload}%2E{signature}",
            json.dumps({"protected": head, "payload": payload, "signature": signature}),
            json.dumps({"payload": payload, "signatures": [{"protected": head, "signature": signature}]}),
        ):  # fmt: skip
            yield "structure", shape


def spelling_tricks(profile: Profile, chance: random.Random) -> Tricks:
    """Base64 as other readers take it; header and payload are signed as they are spelt."""
    for number in range(12):
        parts = [
            encode(dump({"alg": profile.algorithm})),
            encode(dump({**profile.claims, "n": "x" * (number % 3)})),
        ]
        signed = profile.join_spelt(*parts).split(".")
        for place, name in enumerate(("header", "payload", "signature")):
            for trick, spelt in _spellings(signed[place], chance):
                if place == 2:
                    yield f"base64/{name}/{trick}", ".".join((*signed[:2], spelt))
                    continue
                changed = [spelt if index == place else part for index, part in enumerate(parts)]
                yield f"base64/{name}/{trick}", profile.join_spelt(*changed)


def _spellings(part: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    padding = "=" * (-len(part) % 4)
    if padding:
        yield "padded", part + padding
    else:
        yield "one-more-quantum", part + "===="
    yield "too-much-padding", part + padding + "="
    yield "padding-inside", f"{part[:8]}=={part[8:]}"
    if set(part) & {"-", "_"}:
        yield "standard-alphabet", part.replace("-", "+").replace("_", "/")
    if len(part) % 4:
        last = ALPHABET.index(part[-1])
        step = 16 if len(part) % 4 == 2 else 4
        yield "trailing-bits", part[:-1] + ALPHABET[last - last % step + (last + 1) % step]
    for filler in _FILLERS:
        at = chance.randrange(len(part))
        yield f"filler:{filler!a}", part[:at] + filler + part[at:]
    for filler in ("\n", " ", "\r\n", "\x00", "\ufeff"):
        yield f"after:{filler!a}", part + filler
        yield f"before:{filler!a}", filler + part
    yield "character-dropped", part[:-1]
    yield "character-added", part + "A"


def signature_tricks(profile: Profile, chance: random.Random) -> Tricks:
    """Signatures cut, extended, re-encoded, made by others, or with another algorithm."""
    for _ in range(20):
        signed, _, text = profile.token(jti=str(chance.random())).rpartition(".")
        raw = profile.sign(signed.encode())
        for count in (1, 2, 8, 31, 32, 33, len(raw) - 1):
            yield "signature/cut", f"{signed}.{encode(raw[:-count])}"
            yield "signature/extended", f"{signed}.{encode(raw + bytes(chance.randbytes(count)))}"
            yield "signature/cut", f"{signed}.{encode(raw[count:])}"
        yield "signature/leading-zero", f"{signed}.{encode(bytes(1) + raw)}"
        yield "signature/twice", f"{signed}.{encode(raw + raw)}"
        yield "signature/zero", f"{signed}.{encode(bytes(len(raw)))}"
        yield "signature/ones", f"{signed}.{encode(bytes([255]) * len(raw))}"
        yield "signature/random", f"{signed}.{encode(chance.randbytes(len(raw)))}"
        yield "signature/reversed", f"{signed}.{encode(raw[::-1])}"
        yield "signature/hex", f"{signed}.{encode(raw.hex().encode())}"
        yield "signature/encoded-twice", f"{signed}.{encode(text.encode())}"
        yield "signature/other-key", f"{signed}.{encode(profile.sign_other(signed.encode()))}"
        yield (
            "signature/of-the-payload",
            f"{signed}.{encode(profile.sign(signed.partition('.')[2].encode()))}",
        )
        flipped = bytearray(raw)
        flipped[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        yield "signature/bit-flipped", f"{signed}.{encode(bytes(flipped))}"
        yield from (
            (trick, f"{signed}.{encode(made)}") for trick, made in _foreign(profile, signed.encode(), raw)
        )
    for algorithm, sign in (("RS256", sign_rs256), ("ES256", sign_es256)):
        if algorithm != profile.algorithm:
            yield (
                "signature/other-kind-of-key",
                profile.join(dump({"alg": algorithm}), dump({**profile.claims}), sign),
            )


def _foreign(profile: Profile, signed: bytes, raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Signatures of the right key in forms that the algorithm does not have, and confusions."""
    pem = public_pem(profile.name).encode()
    der = load_pem_public_key(pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), der, b""):
        yield "signature/hmac", hmac.new(secret, signed, hashlib.sha256).digest()
    if profile.algorithm == "RS256":
        key = private_key()
        yield "signature/sha1", key.sign(signed, PKCS1v15(), SHA1())
        yield "signature/sha512", key.sign(signed, PKCS1v15(), SHA512())
        yield "signature/pss", key.sign(signed, PSS(MGF1(SHA256()), 32), SHA256())
        modulus = key.public_key().public_numbers().n
        yield "signature/plus-modulus", (int.from_bytes(raw, "big") + modulus).to_bytes(257, "big")
        return
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    yield "signature/der", encode_dss_signature(r, s)
    yield "signature/high-s", raw[:32] + (P256_ORDER - s).to_bytes(32, "big")
    yield "signature/exchanged", raw[32:] + raw[:32]
    yield "signature/sha512", raw_of(ec_key().sign(signed, ECDSA(SHA512(), deterministic_signing=True)))
    for one, other in ((0, 0), (0, s), (r, 0), (P256_ORDER, s), (r, P256_ORDER), (1, 1), (P256_ORDER - 1, 1)):
        yield "signature/odd-numbers", one.to_bytes(32, "big") + other.to_bytes(32, "big")
    yield "signature/wide", r.to_bytes(33, "big") + s.to_bytes(33, "big")
    yield (
        "signature/minimal",
        r.to_bytes(32, "big").lstrip(b"\0") + s.to_bytes(31, "big") if s < 2**248 else raw[:63],
    )


def tampered_tokens(profile: Profile, chance: random.Random) -> Tricks:
    """One character of a good token exchanged, dropped or put in, anywhere."""
    for _ in range(20):
        token = profile.token(jti=str(chance.random()))
        for _ in range(20):
            at = chance.randrange(len(token))
            other = chance.choice(ALPHABET + ".=+/ ")
            changed = chance.choice((other, "", other + token[at]))
            tampered = token[:at] + changed + token[at + 1 :]
            yield "good" if tampered == token else "tampered", tampered


def random_tokens(profile: Profile, chance: random.Random) -> Tricks:
    """No token at all, or three parts of anything."""
    for _ in range(150):
        yield "random/bytes", chance.randbytes(chance.randrange(1, 200)).decode("latin-1")
        yield "random/text", "".join(chance.choice(ALPHABET + "..") for _ in range(chance.randrange(1, 200)))
        parts = (chance.randbytes(chance.randrange(0, 60)) for _ in range(3))
        yield "random/parts", ".".join(map(encode, parts))
        yield "random/payload", profile.join(dump({"alg": profile.algorithm}), chance.randbytes(40))


def long_tokens(profile: Profile, chance: random.Random) -> Tricks:
    """Up to a megabyte, in each part, and with a million dots."""
    mega = 1_000_000
    good = profile.token()
    head, payload, signature = good.split(".")
    yield "long/dots", "." * mega
    yield "long/text", "A" * mega
    yield "long/header", f"{'A' * mega}.{payload}.{signature}"
    yield "long/payload", f"{head}.{'A' * mega}.{signature}"
    yield "long/signature", f"{head}.{payload}.{'A' * mega}"
    yield "long/white-space", good + " " * mega
    yield "long/brackets", f"{head}.{encode(b'[' * mega)}.{signature}"
    for size in (10_000, 45_000):
        yield "long/signed-below-our-limit", profile.token(x="y" * size)
    for size in (60_000, 200_000, mega):
        yield "long/signed-beyond-our-limit", profile.token(x="y" * size)
    yield "long/random", chance.randbytes(mega // 2).hex()
