"""What `coinslot verify token|callback|purchase` does, without a command line around it.

Bytes and values in, a JSON-able answer out; errors leave as the two families, and the command turns them into
exit codes. It must not read files or the environment, and asks a portal only where it is told which.
"""

import time
from dataclasses import asdict
from typing import Any

from coinslot_contracts.errors import ExternalIdMismatch, GameMismatch
from coinslot_contracts.portal import discover

from coinslot_verifier.config import ConfigInvalid, VerifierConfig
from coinslot_verifier.identity import IdentityVerifier
from coinslot_verifier.key_set import StaticKeySet, read_key_set
from coinslot_verifier.key_source import read_key_file
from coinslot_verifier.notification import read_signed
from coinslot_verifier.purchase import PurchaseVerifier, VerdictSender


def verify_token_command(
    *,
    public_key: bytes,
    game_id: str,
    token: str,
    at_s: float | None = None,
    max_age_s: int | None = None,
    skew_s: int = 30,
    allow_test_keys: bool = False,
    portal: str | None = None,
) -> dict[str, Any]:
    """Verify a user token under a key from a file.

    public_key   the file's content: the key in any form, or the key endpoint's JSON
    at_s         the time to judge by, seconds since 1970; None = now
    portal       None = the one portal that has user tokens
    returns      user_id, game_id, username, picture_url, issued_at_s, expires_at_s, issuer, token_id
    errors       as `IdentityVerifier.verify`; ConfigInvalid for unusable settings
    """
    config = VerifierConfig(
        portal=portal or _only_portal("identity"),
        game_id=game_id,
        max_age_s=max_age_s,
        skew_s=skew_s,
        allow_test_keys=allow_test_keys,
    )
    keys = read_key_file(public_key, config.identity_part())
    verifier = IdentityVerifier(
        config, key_source=keys, clock=time.time if at_s is None else lambda: float(at_s)
    )
    identity = asdict(verifier.verify(token.strip()))
    del identity["claims"]
    return identity


def verify_callback_command(
    *,
    body: bytes,
    signature: str | None,
    shared_key: bytes,
    game_id: str | None = None,
    portal: str | None = None,
) -> dict[str, Any]:
    """Verify a notification's raw bytes.

    signature   the value of the signature header, None where it was not sent
    game_id     None = of whatever game
    returns     the notification's fields, by our names
    errors      as `NotificationVerifier.verify`; ConfigInvalid for unusable settings
    """
    if not shared_key:
        raise ConfigInvalid("the shared key is empty; anybody could sign with it")
    name = portal or _only_portal("notices")
    part = VerifierConfig(portal=name, game_id=game_id or "0").notices_part()
    notification = read_signed(part, signature, body, shared_keys=(shared_key,))
    if game_id is not None and notification.game_id != game_id:
        raise GameMismatch(f"the notification is about game {notification.game_id}, not {game_id}")
    return asdict(notification)


def verify_purchase_command(
    *,
    jwks: bytes,
    token: str,
    external_id: str | None = None,
    url: str | None = None,
    at_s: float | None = None,
    skew_s: int = 30,
    verify_reply: str | None = None,
    allow_test_keys: bool = False,
    portal: str | None = None,
    sender: VerdictSender | None = None,
) -> dict[str, Any]:
    """Verify a purchase token under a key set from a file, and ask the portal where its site is given.

    jwks         the file's content: the JSON Web Key Set
    external_id  what the purchase was opened with; None = not compared
    url          the portal's site, for the question whether it is paid; None = not asked
    at_s         the time to judge by, seconds since 1970; None = now
    portal       None = the one portal that has signed purchases
    sender       by default HTTP
    returns      order_id, external_id, confirmed (whether the portal said that it is paid), claims
    errors       as `PurchaseVerifier.verify`; ConfigInvalid for unusable settings
    """
    config = VerifierConfig(
        portal=portal or _only_portal("purchases"),
        url=url or "",
        skew_s=skew_s,
        verify_reply=verify_reply,
        allow_test_keys=allow_test_keys,
    )
    keys = StaticKeySet(read_key_set(jwks.strip(), config.purchase_part()))
    clock = time.time if at_s is None else lambda: float(at_s)
    verifier = PurchaseVerifier(config, key_source=keys, sender=sender, clock=clock)
    claims = verifier.check_token(token.strip())
    if external_id is not None and claims.external_id != external_id:
        raise ExternalIdMismatch("the token is of another purchase than the one that was opened")
    if url:
        verifier.confirm(claims)
    return {**asdict(claims), "confirmed": bool(url)}


def _only_portal(part: str) -> str:
    names = [name for name, portal in discover().items() if getattr(portal, part) is not None]
    if len(names) != 1:
        raise ConfigInvalid(f"name the portal: one of {', '.join(names)}")
    return names[0]
