"""`coinslot verify`: judges one token, notification or purchase as the production verifier does."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from coinslot_scenarios.cli.files import read_file

_FIRST_EXAMPLE = """\b
Example:
  coinslot verify token --public-key publicKey.json --game-id 1220 --at 1757905358 eyJhbGciOi..."""
_SECOND_EXAMPLE = """\b
Example:
  SHARED_KEY=... coinslot verify callback --signature 3f1c... body.json"""

_THIRD_EXAMPLE = """\b
Examples:
  coinslot verify purchase --jwks jwks.json eyJhbGciOi...
  coinslot verify purchase --jwks jwks.json --external-id gems_1 --url https://portal.example eyJhbGciOi..."""


@click.group("verify", no_args_is_help=True)
def command() -> None:
    """Verify a user token, a notification or a purchase; offline, unless the portal is to be asked.

    Prints one JSON object. Exit codes: 0 good, 1 refused, 2 usage, 3 could not be decided.
    """


@command.command("token", epilog=_FIRST_EXAMPLE)
@click.argument("token")
@click.option(
    "--public-key",
    "key",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="PEM, Base64 or JSON.",
)
@click.option("--game-id", required=True, metavar="ID", help="The game that the token must be for.")
@click.option("--at", "at_s", type=float, metavar="SECONDS", help="Judge as if it were this time since 1970.")
@click.option(
    "--max-age", "max_age_s", type=click.IntRange(1), metavar="SECONDS", help="Refuse tokens older by iat."
)
@click.option("--portal", metavar="NAME", help="The portal, where there are several.")
@click.option(
    "--allow-test-keys", is_flag=True, envvar="COINSLOT_ALLOW_TEST_KEYS", help="Accept the sandbox's keys."
)
def token(
    token: str,
    key: Path,
    game_id: str,
    at_s: float | None,
    max_age_s: int | None,
    portal: str | None,
    allow_test_keys: bool,
) -> int:
    """Verify a user token under a public key from a file; '-' reads the token from stdin."""
    from coinslot_verifier.command import verify_token_command

    text = sys.stdin.read() if token == "-" else token  # noqa: S105 - the usual name of stdin
    return _judged(
        lambda: verify_token_command(
            public_key=read_file(key),
            game_id=game_id,
            token=text,
            at_s=at_s,
            max_age_s=max_age_s,
            portal=portal,
            allow_test_keys=allow_test_keys,
        )
    )


@command.command("callback", epilog=_SECOND_EXAMPLE)
@click.argument("body", type=click.Path(path_type=Path, allow_dash=True), metavar="FILE")
@click.option(
    "--signature", metavar="TEXT", help="The value of the signature header; leave out if it was not sent."
)
@click.option(
    "--shared-key-env", default="SHARED_KEY", show_default=True, metavar="NAME", help="Variable with the key."
)
@click.option("--game-id", metavar="ID", help="The game that the notification must be for.")
@click.option("--portal", metavar="NAME", help="The portal, where there are several.")
def callback(
    body: Path, signature: str | None, shared_key_env: str, game_id: str | None, portal: str | None
) -> int:
    """Verify a notification's raw bytes; '-' reads them from stdin."""
    from coinslot_verifier.command import verify_callback_command

    key = os.environ.get(shared_key_env)
    if not key:
        raise click.UsageError(f"put the shared key into the environment variable {shared_key_env}")
    return _judged(
        lambda: verify_callback_command(
            body=read_file(body), signature=signature, shared_key=key.encode(), game_id=game_id, portal=portal
        )
    )


@command.command("purchase", epilog=_THIRD_EXAMPLE)
@click.argument("token")
@click.option(
    "--jwks",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The portal's JSON Web Key Set.",
)
@click.option("--external-id", metavar="ID", help="What the purchase was opened with; must be the token's.")
@click.option("--url", metavar="URL", help="Ask the portal at this address whether the purchase is paid.")
@click.option("--verify-reply", metavar="NAME", help="The form of the portal's answer, where it has several.")
@click.option("--at", "at_s", type=float, metavar="SECONDS", help="Judge as if it were this time since 1970.")
@click.option("--portal", metavar="NAME", help="The portal, where there are several.")
@click.option(
    "--allow-test-keys", is_flag=True, envvar="COINSLOT_ALLOW_TEST_KEYS", help="Accept the sandbox's keys."
)
def purchase(
    token: str,
    jwks: Path,
    external_id: str | None,
    url: str | None,
    verify_reply: str | None,
    at_s: float | None,
    portal: str | None,
    allow_test_keys: bool,
) -> int:
    """Verify a purchase token under a key set from a file; '-' reads the token from stdin.

    Without --url only the token is checked: "confirmed" in the answer says whether the portal was asked.
    """
    from coinslot_verifier.command import verify_purchase_command

    text = sys.stdin.read() if token == "-" else token  # noqa: S105 - the usual name of stdin
    return _judged(
        lambda: verify_purchase_command(
            jwks=read_file(jwks),
            token=text,
            external_id=external_id,
            url=url,
            at_s=at_s,
            verify_reply=verify_reply,
            allow_test_keys=allow_test_keys,
            portal=portal,
        )
    )


def _judged(judge: Callable[[], dict[str, Any]]) -> int:
    from coinslot_contracts.errors import Refused, Undecided
    from coinslot_verifier.config import ConfigInvalid

    try:
        click.echo(json.dumps(judge(), ensure_ascii=False))
    except ConfigInvalid as error:
        raise click.UsageError(str(error)) from None
    except Refused as error:
        click.echo(json.dumps({"error": error.code, "family": "refused", "detail": error.detail}))
        return 1
    except Undecided as error:
        click.echo(json.dumps({"error": error.code, "family": "undecided", "detail": error.detail}))
        return 3
    return 0
