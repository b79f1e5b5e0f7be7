"""Seeded bugs of the login: what goes wrong between a token and a player."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import requests
from bug import seeded
from coinslot_verifier import (
    GameMismatch,
    IdentityVerifier,
    KidUnknown,
    SubInvalid,
    TokenExpired,
    VerifierConfig,
)
from coinslot_verifier.claims import check_issuer
from coinslot_verifier.http_out import HttpOut
from coinslot_verifier.jws import parse_claims, parse_compact
from coinslot_verifier.key_forms import VerificationKey
from coinslot_verifier.key_source import PublishedKeys
from game import Game
from sqlalchemy import Engine


def peek(token: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, decoded without any check; both empty where there is nothing to decode."""
    try:
        header, claims = (json.loads(decode(part)) for part in str(token).split(".")[:2])
    except ValueError:
        return {}, {}
    return (header, claims) if isinstance(header, dict) and isinstance(claims, dict) else ({}, {})


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def believe(claims: dict[str, Any]) -> str:
    """The user id in claims that nobody checked."""
    return str(json.loads(claims["sub"])["userId"])


@seeded("demands a kid in the token's header, which no token of this portal has", clause="jogos:user.4")
class DemandsKid(Game):
    def identify(self, token: object) -> str:
        header, _ = peek(token)
        if "kid" not in header:
            raise KidUnknown("the token names no key")
        return super().identify(token)


@seeded(
    "takes the claims for the user, so that every player shares the account of an undefined id",
    clause="jogos:user.4",
)
class PayloadTakenForUser(Game):
    def identify(self, token: object) -> str:
        return str(self.identities.verify(token).claims.get("userId"))


@seeded("fetches the public key once and keeps it for ever", clause="jogos:user.2")
class KeyCachedForever(Game):
    def __init__(self, config: VerifierConfig, engine: Engine) -> None:
        super().__init__(config, engine)
        self.identities = IdentityVerifier(config, key_source=FirstKeysForever(config))


class FirstKeysForever:
    def __init__(self, config: VerifierConfig) -> None:
        self._published = PublishedKeys(config, sender=HttpOut(timeout_s=config.timeout_s))
        self._kept: tuple[VerificationKey, ...] = ()

    def keys_for(self, kid: str | None) -> tuple[VerificationKey, ...]:
        self._kept = self._kept or self._published.keys_for(kid)
        return self._kept


@seeded("believes a token whose header says that it is not signed", clause="jogos:user.3")
class AlgNoneAccepted(Game):
    def identify(self, token: object) -> str:
        header, claims = peek(token)
        if str(header.get("alg")).lower() == "none":
            return believe(claims)
        return super().identify(token)


@seeded(
    "reads a token whose signature was cut off as an unsigned one, and believes it", clause="jogos:user.3"
)
class EmptySignatureAccepted(Game):
    def identify(self, token: object) -> str:
        header, claims = peek(token)
        signature = "".join(str(token).split(".")[2:])
        if header.get("alg") == "RS256" and not signature:
            return believe(claims)
        return super().identify(token)


@seeded(
    "lets the header choose the algorithm, so that HS256 is keyed with the public key's text",
    clause="jogos:user.3",
)
class Hs256WithPublicKey(Game):
    def identify(self, token: object) -> str:
        header, claims = peek(token)
        if header.get("alg") == "HS256":
            public_key = requests.get(f"{self.config.web_url}/publicKey.json", timeout=3).json()["data"]
            signed, _, signature = str(token).rpartition(".")
            expected = hmac.digest(public_key.encode(), signed.encode(), hashlib.sha256)
            if hmac.compare_digest(decode(signature), expected):
                return believe(claims)
        return super().identify(token)


@seeded("does not compare the token's game with its own", clause="jogos:user.4")
class GameNotCompared(Game):
    def identify(self, token: object) -> str:
        _, claims = peek(token)
        try:
            game_id = str(json.loads(claims["sub"])["gameId"])
        except (KeyError, TypeError, ValueError):
            return super().identify(token)
        return IdentityVerifier(replace(self.config, game_id=game_id)).verify(token).user_id


@seeded("does not look at the token's expiry", clause="jogos:user.3")
class ExpiryIgnored(Game):
    def identify(self, token: object) -> str:
        try:
            return super().identify(token)
        except TokenExpired:  # raised after the signature was found good
            claims = parse_claims(parse_compact(token))
        check_issuer(claims, issuer=self.config.issuer)
        identity = self.config.identity_part().parse(claims)
        if identity.game_id != self.config.game_id:
            raise GameMismatch(f"the token is for game {identity.game_id}")
        return identity.user_id


@seeded("logs in as a guest whoever has a genuine token with an unusable user", clause="jogos:user.3")
class EmptyUserLogsIn(Game):
    def identify(self, token: object) -> str:
        try:
            return super().identify(token)
        except SubInvalid:
            return "guest"
