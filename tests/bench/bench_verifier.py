"""V1 to V5: what the verifier costs beside the bare operation that nobody can beat, and beside its peers.

Every token is distinct, and no candidate may cache one. All keys are known, so nothing is fetched.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import jwt
from coinslot_contracts.domain import Player
from coinslot_contracts.errors import SignatureMismatch
from coinslot_contracts.portal import PublishedKey, discover
from coinslot_contracts.portals.playgama.purchase import PURCHASES
from coinslot_verifier import IdentityVerifier, PurchaseVerifier, StaticKeys, StaticKeySet, VerifierConfig
from coinslot_verifier.key_forms import read_key
from coinslot_verifier.key_set import read_key_set
from coinslot_verifier.notification import check_signature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jwt as joserfc_jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, RSAKey
from rounds import Figure, interleave, ratio

PORTAL = discover()["jogos"]
GAME_ID = "1220"
NOW_S = 1_757_905_300
SCALE = float(os.environ.get("COINSLOT_BENCH_SCALE", "1"))
TOKENS = max(20, int(400 * SCALE))
BODIES = max(200, int(4000 * SCALE))
IMPORTS = max(2, int(8 * SCALE))
NODE_FOLDER = Path(__file__).resolve().parents[1] / "vectors/node"
NODE_SCRIPT = """
const jwt = require('jsonwebtoken');
const { key, tokens, now } = JSON.parse(require('fs').readFileSync(0));
const keyObject = require('crypto').createPublicKey(key);
const began = process.hrtime.bigint();
for (const token of tokens) {
  const user = JSON.parse(jwt.verify(token, keyObject, { algorithms: ['RS256'], clockTimestamp: now }).sub);
  if (user.gameId !== '1220') throw new Error('another game');
}
console.log(Number(process.hrtime.bigint() - began) / 1e9);
"""


class Bench:
    """Tokens of the document's shape under one key, and the ways to verify them."""

    def __init__(self) -> None:
        self.private = generate_private_key(public_exponent=65537, key_size=2048)
        public = self.private.public_key()
        self.public = public
        self.pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.good = list(_tokens(self.private))
        self.forged = [token[:-8] + ("A" * 8) for token in self.good]
        self.parts = [_signed_parts(token) for token in self.good]
        config = VerifierConfig(portal=PORTAL.name, game_id=GAME_ID)
        keys = StaticKeys((read_key(PublishedKey(text=self.pem.decode())),))
        self.verifier = IdentityVerifier(config, key_source=keys, clock=lambda: NOW_S)
        self.joserfc_key = RSAKey.import_key(self.pem)
        self.joserfc_claims = joserfc_jwt.JWTClaimsRegistry(now=NOW_S, exp={"essential": True})

    def bare(self) -> None:
        """The limit: the RSA verification alone."""
        padding, digest = PKCS1v15(), SHA256()
        for signing_input, signature in self.parts:
            self.public.verify(signature, signing_input, padding, digest)

    def ours(self) -> None:
        """Signature, iss, times, game, `sub` parsed."""
        for token in self.good:
            self.verifier.verify(token)

    def ours_forged(self) -> None:
        """The same with a wrong signature."""
        for token in self.forged:
            _expect(SignatureMismatch, lambda token=token: self.verifier.verify(token))

    def pyjwt(self) -> None:
        """PyJWT with the same assertions; it reads no injected clock, so exp is compared here."""
        options = {"verify_exp": False, "verify_iat": False}
        for token in self.good:
            claims = jwt.decode(token, self.public, ["RS256"], issuer="com:jogos:sdk", options=options)
            user = json.loads(claims["sub"])
            assert claims["exp"] > NOW_S
            assert user["gameId"] == GAME_ID

    def pyjwt_forged(self) -> None:
        """PyJWT refusing."""
        for token in self.forged:
            _expect(jwt.InvalidSignatureError, lambda token=token: jwt.decode(token, self.public, ["RS256"]))

    def joserfc(self) -> None:
        """joserfc with the same assertions."""
        for token in self.good:
            claims = joserfc_jwt.decode(token, self.joserfc_key, algorithms=["RS256"]).claims
            self.joserfc_claims.validate(claims)
            assert json.loads(claims["sub"])["gameId"] == GAME_ID

    def joserfc_forged(self) -> None:
        """joserfc refusing."""
        for token in self.forged:
            _expect(
                BadSignatureError,
                lambda token=token: joserfc_jwt.decode(token, self.joserfc_key, algorithms=["RS256"]),
            )

    def node_s(self) -> float:
        """Seconds that jsonwebtoken with a KeyObject takes, its process's start left out."""
        given = json.dumps({"key": self.pem.decode(), "tokens": self.good, "now": NOW_S})
        command = ["node", "-e", NODE_SCRIPT]
        done = subprocess.run(
            command, cwd=NODE_FOLDER, input=given, capture_output=True, text=True, check=True
        )
        return float(done.stdout)


def _expect(error: type[Exception], call: Callable[[], object]) -> None:
    try:
        call()
    except error:
        return
    raise AssertionError(f"{error.__name__} was not raised")


def _tokens(private: RSAPrivateKey) -> Iterator[str]:
    identity = PORTAL.identity
    assert identity is not None
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for number in range(TOKENS):
        player = Player(
            user_id=str(100 + number),
            username=f"Player{100 + number}",
            picture_url="https://image.example.invalid/0ee92f5be4a34870ab64ae57ac7b5ba4.jpg",
        )
        claims = identity.claims(
            player=player,
            game_id=GAME_ID,
            issued_at_s=NOW_S - 2,
            expires_at_s=NOW_S + 3600,
            token_id=identity.token_id(NOW_S * 1000, number),
        )
        yield jwt.encode(claims, pem, algorithm="RS256", headers={"typ": None})


def _signed_parts(token: str) -> tuple[bytes, bytes]:
    signing_input, _, signature = token.rpartition(".")
    return signing_input.encode(), jwt.utils.base64url_decode(signature)


def verification() -> list[Figure]:
    """V1 and V3."""
    bench = Bench()
    names = ("bare", "ours", "pyjwt", "joserfc", "ours_forged", "pyjwt_forged", "joserfc_forged")
    times_s = interleave({name: getattr(bench, name) for name in names})
    what = f"a whole token verified ({len(bench.good[0])} characters)"
    figures = [
        _figure("V1", f"{what}, of the bare RSA verification", times_s, "bare", "ours", 0.75),
        _figure("V1", "… times PyJWT", times_s, "pyjwt", "ours", 2.4),
        _figure("V1", "… times joserfc", times_s, "joserfc", "ours", 1.6),
    ]
    if shutil.which("node") and (NODE_FOLDER / "node_modules/jsonwebtoken").is_dir():
        node_s: list[float] = []
        both = interleave({"node": lambda: node_s.append(bench.node_s()), "ours": bench.ours})
        both["node"] = node_s[-len(both["ours"]) :]
        figures.append(_figure("V1", "… times jsonwebtoken with a KeyObject", both, "node", "ours", 1.05))
    figures += [
        _figure("V3", "a forged signature refused, of an accepted token", times_s, "ours", "ours_forged", 1),
        _figure("V3", "… times PyJWT", times_s, "pyjwt_forged", "ours_forged", 2.3),
    ]
    return figures


def callbacks() -> list[Figure]:
    """V4: the signature of a callback, beside the digest alone."""
    notices = PORTAL.notices
    assert notices is not None
    key = b"rehearsal-key"
    bodies = [
        (
            f'{{"paytype":"pay","gameId":1220,"orderId":"zXhKYRy3genKKh9TgndBpu1gp5{number:04}",'
            '"arrivedStatus":0,"productId":"1002","createTime":1755657098,"payTime":1755657115,'
            '"userId":278,"refundStatus":null,"refundTime":null}'
        ).encode()
        for number in range(BODIES)
    ]
    signed = [(notices.sign(body, key), body) for body in bodies]

    def digest() -> None:
        for body in bodies:
            hashlib.sha1(body + key).hexdigest()

    def check() -> None:
        for signature, body in signed:
            check_signature(notices, signature, body, shared_keys=(key,))

    times_s = interleave({"digest": digest, "check": check})
    what = "a callback's signature checked, of the digest alone"
    return [_figure("V4", what, times_s, "digest", "check", 0.8)]


class PurchaseBench:
    """Purchase tokens under ES256, and the ways to verify them."""

    def __init__(self) -> None:
        private = generate_ec_key(SECP256R1())
        self.public = private.public_key()
        numbers = self.public.public_numbers()
        members = {name: _base64url(getattr(numbers, name).to_bytes(32)) for name in ("x", "y")}
        self.jwk = {"kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256", **members}
        claims = [{"orderId": f"o{n:08}", "externalId": f"i{n:08}", "iat": NOW_S} for n in range(TOKENS)]
        self.good = [jwt.encode(one, private, algorithm="ES256", headers={"kid": "k1"}) for one in claims]
        self.parts = [_ecdsa_parts(token) for token in self.good]
        keys = read_key_set(json.dumps({"keys": [self.jwk]}).encode(), PURCHASES)
        config = VerifierConfig(portal="playgama", url="http://127.0.0.1:9")
        self.verifier = PurchaseVerifier(config, key_source=StaticKeySet(keys), clock=lambda: NOW_S)
        self.joserfc_key = ECKey.import_key(self.jwk)

    def bare(self) -> None:
        """The limit: the ECDSA verification alone."""
        algorithm = ECDSA(SHA256())
        for signing_input, signature in self.parts:
            self.public.verify(signature, signing_input, algorithm)

    def ours(self) -> None:
        """Signature, times, both ids."""
        for token in self.good:
            self.verifier.check_token(token)

    def pyjwt(self) -> None:
        """PyJWT with the same assertions."""
        for token in self.good:
            claims = jwt.decode(token, self.public, ["ES256"], options={"verify_iat": False})
            assert isinstance(claims["orderId"], str)
            assert isinstance(claims["externalId"], str)

    def joserfc(self) -> None:
        """joserfc with the same assertions."""
        for token in self.good:
            claims = joserfc_jwt.decode(token, self.joserfc_key, algorithms=["ES256"]).claims
            assert isinstance(claims["orderId"], str)
            assert isinstance(claims["externalId"], str)


def _base64url(raw: bytes) -> str:
    return jwt.utils.base64url_encode(raw).decode()


def _ecdsa_parts(token: str) -> tuple[bytes, bytes]:
    signing_input, signature = _signed_parts(token)
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    return signing_input, encode_dss_signature(r, s)


def purchases() -> list[Figure]:
    """V2: a purchase token under ES256."""
    bench = PurchaseBench()
    times_s = interleave({name: getattr(bench, name) for name in ("bare", "ours", "pyjwt", "joserfc")})
    what = "an ES256 token verified, of the bare verification"
    return [
        _figure("V2", what, times_s, "bare", "ours", 0.87),
        _figure("V2", "… times PyJWT", times_s, "pyjwt", "ours", 1.4),
        _figure("V2", "… times joserfc", times_s, "joserfc", "ours", 1.25),
    ]


def imports() -> list[Figure]:
    """V5: the package imported, beside PyJWT; and with the verifiers of tokens, for orientation."""

    def importing(statement: str) -> Callable[[], None]:
        command = [sys.executable, "-c", statement]

        def run() -> None:
            for _ in range(IMPORTS):
                subprocess.run(command, check=True)

        return run

    heavy = "assert not {'flask', 'requests', 'sqlalchemy'} & set(sys.modules)"
    times_s = interleave(
        {
            "jwt": importing("import jwt"),
            "ours": importing(f"import sys, coinslot_verifier; {heavy}"),
            "identity": importing(f"import sys; from coinslot_verifier import IdentityVerifier; {heavy}"),
        }
    )
    unburdened = "without Flask, requests, SQLAlchemy (asserted)"
    figures = [
        _figure("V5", "import jwt, times import coinslot_verifier", times_s, "jwt", "ours", 1),
        _figure("V5", "… times its IdentityVerifier, loaded", times_s, "jwt", "identity", None),
    ]
    return [replace(figure, note=unburdened) for figure in figures]


def _figure(
    goal_id: str, what: str, times_s: dict[str, list[float]], above: str, below: str, goal: float | None
) -> Figure:
    measured, spread = ratio(times_s[above], times_s[below])
    return Figure(id=goal_id, what=what, measured=measured, goal=goal, at_least=True, spread=spread)
