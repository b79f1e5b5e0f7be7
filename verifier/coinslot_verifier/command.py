"""What `coinslot verify token|callback` does, without a command line around it.

Bytes and values in, a JSON-able answer out; errors leave as the two families, and the command turns them into
exit codes. It must not read files, the environment or the network.
"""

import time
from dataclasses import asdict
from typing import Any

from coinslot_contracts.errors import GameMismatch
from coinslot_contracts.portal import discover

from coinslot_verifier.config import ConfigInvalid, VerifierConfig
from coinslot_verifier.identity import IdentityVerifier
from coinslot_verifier.key_source import read_key_file
from coinslot_verifier.notification import read_signed


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
    part = VerifierConfig(portal=name, game_id=game_id or "any").notices_part()
    notification = read_signed(part, signature, body, shared_keys=(shared_key,))
    if game_id is not None and notification.game_id != game_id:
        raise GameMismatch(f"the notification is about game {notification.game_id}, not {game_id}")
    return asdict(notification)


def _only_portal(part: str) -> str:
    names = [name for name, portal in discover().items() if getattr(portal, part) is not None]
    if len(names) != 1:
        raise ConfigInvalid(f"name the portal: one of {', '.join(names)}")
    return names[0]
