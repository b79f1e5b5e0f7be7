"""Who accepts a token: our verifiers, PyJWT, joserfc and Node's jose, each told the same key, time and rules.

The rules are those of the verifiers' configuration, as far as a library has them: algorithm, 30 s of skew,
for user tokens the issuer and an exp. Every error of a library counts as a refusal.
"""

import json
import warnings
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any, Final
from unittest import mock

import jwt
from coinslot_contracts.errors import CoinslotError
from coinslot_contracts.portal import PublishedKey
from coinslot_testkit.token_workshop import HostileToken, public_pem
from coinslot_testkit.tokens import GAME_ID, NOW_S
from coinslot_testkit.tools import VECTORS, run
from coinslot_verifier import IdentityVerifier, PurchaseVerifier, StaticKeys, VerifierConfig
from coinslot_verifier.key_forms import VerificationKey, read_key
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import ECKey, RSAKey

SKEW_S: Final = 30
ALGORITHMS: Final = {"user": ["RS256"], "purchase": ["RS256", "ES256"]}
ISSUER: Final = "com:jogos:sdk"


def judge_ours(tokens: Sequence[HostileToken]) -> list[bool]:
    """Our verdicts; any error that is none of ours leaves as it is."""
    verifiers = {
        "user": IdentityVerifier(
            VerifierConfig(portal="jogos", game_id=GAME_ID, allow_test_keys=True),
            key_source=StaticKeys((read_key(PublishedKey(text=public_pem("user"))),)),
            clock=lambda: float(NOW_S),
        ).verify,
        "purchase": PurchaseVerifier(
            VerifierConfig(portal="playgama", allow_test_keys=True),
            key_source=StaticKeys((_ec_key(),)),
            clock=lambda: float(NOW_S),
        ).check_token,
    }
    verdicts = []
    for item in tokens:
        try:
            verifiers[item.profile](item.token)
            verdicts.append(True)
        except CoinslotError:
            verdicts.append(False)
    return verdicts


def _ec_key() -> VerificationKey:
    key = load_pem_public_key(public_pem("purchase").encode())
    assert isinstance(key, EllipticCurvePublicKey)
    return VerificationKey(public=key, kind="EC", spki_sha256="0" * 64)


class _Then(datetime):
    """PyJWT asks the clock by itself; the corpus has a time of its own."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "_Then":
        return cls.fromtimestamp(NOW_S, tz)


def judge_pyjwt(tokens: Sequence[HostileToken]) -> list[bool]:
    """PyJWT's verdicts."""
    more: dict[str, dict[str, Any]] = {
        "user": {"issuer": ISSUER, "options": {"require": ["exp"]}},
        "purchase": {},
    }

    def accepts(item: HostileToken) -> bool:
        algorithms = ALGORITHMS[item.profile]
        key = public_pem(item.profile)
        return bool(jwt.decode(item.token, key, algorithms=algorithms, leeway=SKEW_S, **more[item.profile]))

    with mock.patch("jwt.api_jwt.datetime", _Then):
        return [_accepted(accepts, item) for item in tokens]


def judge_joserfc(tokens: Sequence[HostileToken]) -> list[bool]:
    """joserfc's verdicts."""
    keys = {
        "user": RSAKey.import_key(public_pem("user")),
        "purchase": ECKey.import_key(public_pem("purchase")),
    }
    wanted: dict[str, dict[str, Any]] = {
        "user": {"iss": {"essential": True, "value": ISSUER}, "exp": {"essential": True}},
        "purchase": {},
    }

    def accepts(item: HostileToken) -> bool:
        token = joserfc_jwt.decode(item.token, keys[item.profile], algorithms=ALGORITHMS[item.profile])
        registry = joserfc_jwt.JWTClaimsRegistry(now=NOW_S, leeway=SKEW_S, **wanted[item.profile])
        registry.validate(token.claims)
        return True

    return [_accepted(accepts, item) for item in tokens]


def _accepted(accepts: Any, item: HostileToken) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bool(accepts(item))
        except (Exception, RecursionError):  # noqa: BLE001 - whatever a library raises is its refusal
            return False


def judge_jose(tokens: Sequence[HostileToken]) -> list[bool]:
    """jose's verdicts, all in one Node process."""
    options = {"user": {"issuer": ISSUER, "requiredClaims": ["exp"]}, "purchase": {}}
    question = {
        "now": NOW_S,
        "profiles": {
            name: {
                "key": public_pem(name),
                "algorithms": sorted(allowed, reverse=name == "user"),
                "options": options[name],
            }
            for name, allowed in ALGORITHMS.items()
        },
        "tokens": [(item.profile, item.token) for item in tokens],
    }
    answer: list[bool] = json.loads(
        run(["node", VECTORS / "node/judge_tokens.mjs"], stdin=json.dumps(question).encode())
    )
    return answer
