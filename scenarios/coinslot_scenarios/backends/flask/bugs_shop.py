"""Seeded bugs of the purchases: what goes wrong between a purchase token and an item."""

import json
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

import store
from bug import seeded
from bugs_login import peek
from coinslot_verifier import (
    ExternalIdMismatch,
    GrantOutcome,
    KidUnknown,
    PurchaseClaims,
    PurchaseNotPaid,
    PurchaseVerifier,
    Settlement,
    StaticKeySet,
    VerifierConfig,
    VerifyUnavailable,
)
from coinslot_verifier.http_out import HttpOut
from coinslot_verifier.intents import Intent
from coinslot_verifier.jws import check_signature, parse_claims, parse_compact
from coinslot_verifier.key_forms import VerificationKey
from coinslot_verifier.key_set import read_key_set
from shop import Shop
from sqlalchemy import Engine, select

LOOKUP_S = 0.02
Keys = tuple[VerificationKey, ...]


class FetchedKeys:
    """The key set as it is now, fetched for every question."""

    def __init__(self, config: VerifierConfig) -> None:
        self._part = config.purchase_part()
        self._url = config.endpoint_url(self._part.key_endpoint)
        self._http = HttpOut(timeout_s=config.timeout_s)

    def keys_for(self, kid: str | None) -> Keys:
        return StaticKeySet(self.all()).keys_for(kid)

    def all(self) -> Keys:
        return read_key_set(self._http.get(self._url, attempts_max=2).body, self._part)


class FirstKey(FetchedKeys):
    def keys_for(self, kid: str | None) -> Keys:  # noqa: ARG002
        return self.all()[:1]


class SetForever(FetchedKeys):
    kept: Keys = ()

    def keys_for(self, kid: str | None) -> Keys:
        self.kept = self.kept or self.all()
        return StaticKeySet(self.kept).keys_for(kid)


@seeded("takes the first key of the key set, whichever one the token names", clause="playgama:2")
class TakesFirstJwksKey(Shop):
    def __init__(self, config: VerifierConfig, engine: Engine) -> None:
        super().__init__(config, engine)
        self.purchases = PurchaseVerifier(config, key_source=FirstKey(config))


@seeded("fetches the key set once and never again, so that a rotated key stays unknown", clause="playgama:2")
class KeySetCachedForever(Shop):
    def __init__(self, config: VerifierConfig, engine: Engine) -> None:
        super().__init__(config, engine)
        self.purchases = PurchaseVerifier(config, key_source=SetForever(config))


def believe(config: VerifierConfig, claims: dict[str, Any]) -> PurchaseClaims:
    """The claims of a token that nobody checked."""
    return config.purchase_part().parse_claims(claims)


@seeded(
    "checks the signature only where it finds the token's key, so that any key does for an unknown kid",
    clause="playgama:3.A",
)
class AnyKeyForUnknownKid(Shop):
    def check_token(self, jwt: object) -> PurchaseClaims:
        try:
            return super().check_token(jwt)
        except KidUnknown:
            return believe(self.config, peek(jwt)[1])


@seeded("checks the signature with the key that the token brings along in its header", clause="rfc7515:4.1.3")
class EmbeddedJwkTrusted(Shop):
    def check_token(self, jwt: object) -> PurchaseClaims:
        embedded = peek(jwt)[0].get("jwk")
        if not isinstance(embedded, dict):
            return super().check_token(jwt)
        key_set = json.dumps({"keys": [embedded]}).encode()
        compact = parse_compact(jwt)
        keys = read_key_set(key_set, self.config.purchase_part())
        check_signature(compact, keys, algorithm=str(compact.header.get("alg")))
        return believe(self.config, parse_claims(compact))


@seeded("believes a purchase token whose header says that it is not signed", clause="playgama:3.A")
class PurchaseAlgNoneAccepted(Shop):
    def check_token(self, jwt: object) -> PurchaseClaims:
        header, claims = peek(jwt)
        if str(header.get("alg")).lower() == "none":
            return believe(self.config, claims)
        return super().check_token(jwt)


@seeded("decodes the purchase token without checking its signature", clause="playgama:3.A")
class PurchaseDecodedOnly(Shop):
    def check_token(self, jwt: object) -> PurchaseClaims:
        return believe(self.config, peek(jwt)[1])


@seeded("grants on a genuine token alone and never asks whether it is paid", clause="playgama:4")
class GrantedOnJwtAlone(Shop):
    def confirm(self, claims: PurchaseClaims) -> None:
        pass


@seeded("takes every answer of the verification with HTTP 200 for a yes", clause="playgama:3.B")
class AnyHttp200IsPaid(Shop):
    def confirm(self, claims: PurchaseClaims) -> None:
        part = self.config.purchase_part()
        target = part.verify_target(claims.order_id, claims.external_id)
        url = self.config.site_url(part.verify_endpoint) + target
        reply = HttpOut(timeout_s=self.config.timeout_s).get_verdict(url, attempts_max=1)
        if reply.status != 200:
            part.parse_verify(reply.status, reply.body, None)


@seeded(
    "remembers a purchase that is not paid yet as refused, and never grants it afterwards",
    clause="playgama:4",
)
class PendingIsFinal(Shop):
    def __init__(self, config: VerifierConfig, engine: Engine) -> None:
        super().__init__(config, engine)
        self._refused: set[str] = set()

    def confirm(self, claims: PurchaseClaims) -> None:
        if claims.order_id in self._refused:
            raise PurchaseNotPaid("this purchase was refused before")
        try:
            super().confirm(claims)
        except PurchaseNotPaid:
            self._refused.add(claims.order_id)
            raise


@seeded("grants while the verification cannot be asked", clause="playgama:4")
class OutageGrants(Shop):
    def confirm(self, claims: PurchaseClaims) -> None:
        with suppress(VerifyUnavailable):
            super().confirm(claims)


@seeded("grants a purchase each time that it is shown", clause="playgama:practice")
class PurchaseGrantedEachTime(Shop):
    def find_given(self, claims: PurchaseClaims) -> Settlement | None:  # noqa: ARG002
        return None

    def give(self, claims: PurchaseClaims, intent: Intent) -> Settlement:
        settlement = super().give(claims, intent)
        if settlement.outcome is GrantOutcome.ALREADY_GRANTED:
            settlement = replace(settlement, outcome=GrantOutcome.GRANTED)
            with self.ledger.begin() as connection:
                self.move_items(connection, settlement)
        return settlement


@seeded(
    "looks whether the purchase was granted and grants it afterwards, with a gap between the two",
    clause="playgama:practice",
)
class PurchaseFindThenInsert(Shop):
    def give(self, claims: PurchaseClaims, intent: Intent) -> Settlement:
        with self.ledger.begin() as connection:
            found = connection.execute(
                select(store.ITEMS.c.id).where(store.ITEMS.c.order_id == claims.order_id)
            ).first()
        time.sleep(LOOKUP_S)  # stands for what a game looks up here: the player, the catalogue
        settlement = super().give(claims, intent)
        if found is None and settlement.outcome is GrantOutcome.ALREADY_GRANTED:
            with self.ledger.begin() as connection:
                self.move_items(connection, replace(settlement, outcome=GrantOutcome.GRANTED))
        return settlement


@seeded(
    "looks the opened purchase up by the externalId that the client sends and never compares the token's",
    clause="playgama:1",
)
class ExternalIdNotCompared(Shop):
    def find_intent(self, user_id: str, claims: PurchaseClaims, external_id: object) -> Intent:
        intent = self.intents.find(external_id)
        if intent is None or intent.user_id != user_id:
            return super().find_intent(user_id, claims, external_id)
        return intent


@seeded("gives a purchase to whichever player shows it first", clause="playgama:practice")
class AnyPlayerMayClaim(Shop):
    def find_intent(self, user_id: str, claims: PurchaseClaims, external_id: object) -> Intent:
        intent = self.intents.find(claims.external_id)
        if intent is None or external_id not in (None, claims.external_id):
            raise ExternalIdMismatch("nobody opened a purchase of this id here")
        return replace(intent, user_id=user_id)
