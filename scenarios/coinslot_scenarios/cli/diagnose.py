"""`coinslot diagnose`: names the mistake behind a signature or token that does not verify; offline.

Keys come from the environment or from files, never from the command line, and never go into the output.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from coinslot_scenarios.cli.files import read_file

if TYPE_CHECKING:
    from coinslot_contracts.portal import Portal
    from coinslot_sandbox.diagnosis.finding import Diagnosis

_FIRST_EXAMPLES = """\b
Examples:
  SHARED_KEY=... coinslot diagnose signature --body body.json --signature 3f1c...
  coinslot diagnose signature --body body.json --signature 3f1c... --shared-key-file key.txt"""
_SECOND_EXAMPLES = """\b
Examples:
  coinslot diagnose token --public-key publicKey.json --game-id 1220 eyJhbGciOi...
  coinslot diagnose token --public-key jwks.json --at 1757905358 eyJhbGciOi..."""
_FILE = click.Path(path_type=Path, allow_dash=True)
_KEY_FILE = click.Path(path_type=Path)


@click.group("diagnose", no_args_is_help=True)
def command() -> None:
    """Name the mistake behind a signature or token that does not verify.

    Prints one JSON object. Exit codes: 0 nothing is wrong, 1 a cause was named or nothing known matched,
    2 usage.
    """


@command.command("signature", epilog=_FIRST_EXAMPLES)
@click.option("--body", required=True, type=_FILE, metavar="FILE", help="The raw bytes; '-' is stdin.")
@click.option("--signature", required=True, metavar="TEXT", help="The signature as it came or was computed.")
@click.option(
    "--shared-key-env", default="SHARED_KEY", show_default=True, metavar="NAME", help="Variable with the key."
)
@click.option("--shared-key-file", type=_KEY_FILE, metavar="FILE", help="File with the key, instead.")
@click.option(
    "--other-key-env",
    "other_envs",
    multiple=True,
    metavar="NAME",
    help="Variable with another key that may have been used.",
)
@click.option("--portal", metavar="NAME", help="The portal, where there are several.")
def signature(
    body: Path,
    signature: str,
    shared_key_env: str,
    shared_key_file: Path | None,
    other_envs: Sequence[str],
    portal: str | None,
) -> int:
    """Name the mistake that makes this signature of these bytes; either direction."""
    from coinslot_sandbox.diagnosis.signature import SignatureCase, diagnose_signature

    notices = _portal(portal, "notices").notices
    assert notices is not None
    key = (
        _environment(shared_key_env)
        if shared_key_file is None
        else read_file(shared_key_file).rstrip(b"\r\n")
    )
    if not key:
        raise click.UsageError(f"{shared_key_file} holds no key")
    case = SignatureCase(
        body=read_file(body),
        signature=signature,
        key=key,
        others=[(f"the key in {name}", _environment(name)) for name in other_envs],
    )
    return _say(diagnose_signature(notices, case))


@command.command("token", epilog=_SECOND_EXAMPLES)
@click.argument("token")
@click.option(
    "--public-key", type=_KEY_FILE, metavar="FILE", help="The key that the reader uses: PEM, Base64 or JSON."
)
@click.option("--game-id", metavar="ID", help="The game that the token must be for.")
@click.option("--portal", metavar="NAME", help="The portal, where there are several.")
@click.option("--at", "at_s", type=float, metavar="SECONDS", help="Judge as if it were this time since 1970.")
@click.option("--user-id", metavar="TEXT", help="What your backend took for the user's id.")
@click.option("--audience", metavar="TEXT", help="The audience that your backend asks for.")
def token(
    token: str,
    public_key: Path | None,
    game_id: str | None,
    portal: str | None,
    at_s: float | None,
    user_id: str | None,
    audience: str | None,
) -> int:
    """Name the mistakes in a user or purchase token, or in how it is read; '-' reads it from stdin.

    Without --portal it is taken for a token of the portal that it fits best.
    """
    from coinslot_contracts.portal import discover
    from coinslot_sandbox.diagnosis.token import TokenCase, best_of, diagnose_token
    from coinslot_sandbox.diagnosis.token_rules import token_rules

    portals = [_portal(portal, "identity", "purchases")] if portal else discover().values()
    text = sys.stdin.read() if token == "-" else token  # noqa: S105 - the usual name of stdin
    key_text = None if public_key is None else read_file(public_key).decode("utf-8", "replace")
    moment_s = time.time() if at_s is None else at_s
    found = [
        diagnose_token(
            rules,
            TokenCase(
                token=text,
                keys=_keys(rules, key_text),
                now_s=moment_s,
                games=(game_id,) if game_id is not None and rules.kind == "user" else (),
                public_key=key_text,
                user_id=user_id,
                audience=audience,
            ),
        )
        for one in portals
        for rules in token_rules(one)
    ]
    return _say(best_of(found))


def _keys(rules: Any, key_text: str | None) -> list[Any]:
    """The reader's keys, then the sandbox's published test keys."""
    from coinslot_sandbox.diagnosis.jws import KnownKey
    from coinslot_sandbox.diagnosis.reader_keys import reader_keys
    from coinslot_sandbox.key_material import pool_public_keys

    given = [] if key_text is None else reader_keys(rules, key_text)[0]
    owner = "a published test key"
    return [*given, *(KnownKey(role="sandbox", owner=owner, spki_der=spki) for spki in pool_public_keys())]


def _portal(name: str | None, *parts: str) -> "Portal":
    """The portal of this name, or the first that has one of these parts."""
    from coinslot_contracts.portal import discover

    from coinslot_scenarios.problems import unknown

    fitting = {
        one.name: one for one in discover().values() if any(getattr(one, part) is not None for part in parts)
    }
    if name is None:
        return next(iter(fitting.values()))
    if name not in fitting:
        raise click.UsageError(unknown("portal", name, fitting))
    return fitting[name]


def _environment(name: str) -> bytes:
    value = os.environ.get(name)
    if not value:
        raise click.UsageError(f"put the shared key into the environment variable {name}")
    return value.encode("utf-8", "surrogateescape")


def _say(found: "Diagnosis") -> int:
    click.echo(json.dumps(found.as_json()))
    return 0 if found.ok else 1
